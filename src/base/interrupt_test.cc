#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <thread>

namespace wasmbpf {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class InterruptTest : public ::testing::Test {
 protected:
  std::unique_ptr<Interrupt> interrupt_ = *Interrupt::create();
};

TEST_F(InterruptTest, WaitAnswersZeroAtTheTimeout) {
  EXPECT_EQ(*interrupt_->wait(-1, 0, milliseconds(1)), 0);
  EXPECT_EQ(*interrupt_->wait(-1, 0, nanoseconds(0)), 0);
}

TEST_F(InterruptTest, WaitAnswersReadiness) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  EXPECT_EQ(*interrupt_->wait(reader.get(), POLLIN, std::nullopt), POLLIN);
}

TEST_F(InterruptTest, StopEndsAWaitWithoutTimeout) {
  std::thread stopper([&] { interrupt_->request_stop(); });
  const auto ready = interrupt_->wait(-1, 0, std::nullopt);
  stopper.join();
  EXPECT_EQ(ready.error().code(), Errc::kInterrupted);
  EXPECT_FALSE(interrupt_->wait(-1, 0, milliseconds(1)));  // stop is final
}

TEST_F(InterruptTest, InterruptEndsExactlyOneWait) {
  interrupt_->interrupt();
  EXPECT_EQ(interrupt_->wait(-1, 0, std::nullopt).error().code(),
            Errc::kInterrupted);
  EXPECT_EQ(*interrupt_->wait(-1, 0, milliseconds(1)), 0);
}

TEST_F(InterruptTest, AHugeTimeoutDoesNotOverflow) {
  interrupt_->interrupt();
  EXPECT_FALSE(interrupt_->wait(-1, 0, nanoseconds::max()));
}

TEST_F(InterruptTest, PauseHoldsAReadyWaitUntilResume) {
  interrupt_->pause();
  std::atomic<bool> passed = false;
  std::thread guest([&] { passed = interrupt_->run_gate(); });
  EXPECT_FALSE(passed);
  interrupt_->resume();
  guest.join();
  EXPECT_TRUE(passed);
}

TEST_F(InterruptTest, StopEndsAPause) {
  interrupt_->pause();
  std::thread guest([&] { EXPECT_FALSE(interrupt_->run_gate()); });
  interrupt_->request_stop();
  guest.join();
}

}  // namespace
}  // namespace wasmbpf
