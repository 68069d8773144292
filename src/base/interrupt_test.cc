#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <future>
#include <semaphore>

#include "base/blocked_thread.h"

namespace wasmbpf {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// What a pause sleeps in: glibc's poll(), which newer machines make of ppoll.
#ifdef SYS_poll
constexpr long kGateCall = SYS_poll;
#else
constexpr long kGateCall = SYS_ppoll;
#endif

class InterruptTest : public ::testing::Test {
 protected:
  std::unique_ptr<Interrupt> interrupt_ = *Interrupt::create();
};

/// A thread that calls `body` and is known to sleep in system call `number`.
template <typename Body>
class Sleeper {
 public:
  Sleeper(Body body, long number)
      : result_(std::async(std::launch::async, [this, body] {
          tid_ = ::gettid();
          started_.release();
          return body();
        })) {
    started_.acquire();
    EXPECT_TRUE(testing::wait_until_blocked_in(tid_, number));
  }
  auto result() { return result_.get(); }

 private:
  pid_t tid_ = 0;
  std::binary_semaphore started_{0};
  std::future<std::invoke_result_t<Body>> result_;
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
  Sleeper guest([&] { return interrupt_->wait(-1, 0, std::nullopt); },
                SYS_ppoll);
  interrupt_->request_stop();
  EXPECT_EQ(guest.result().error().code(), Errc::kInterrupted);
  EXPECT_FALSE(interrupt_->wait(-1, 0, milliseconds(1)));  // stop is final
}

TEST_F(InterruptTest, AnInterruptEndsAWaitWithoutTimeout) {
  Sleeper guest([&] { return interrupt_->wait(-1, 0, std::nullopt); },
                SYS_ppoll);
  interrupt_->interrupt();
  EXPECT_EQ(guest.result().error().code(), Errc::kInterrupted);
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
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  interrupt_->pause();
  // Ready as it is, it sleeps in the gate.
  Sleeper guest(
      [&] { return interrupt_->wait(reader.get(), POLLIN, std::nullopt); },
      kGateCall);
  interrupt_->resume();
  EXPECT_EQ(guest.result().value(), POLLIN);
}

TEST_F(InterruptTest, PauseHoldsAWaitThatBecomesReady) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  std::atomic<pid_t> tid = 0;
  Sleeper guest(
      [&] {
        tid = ::gettid();
        return interrupt_->wait(reader.get(), POLLIN, std::nullopt);
      },
      SYS_ppoll);
  interrupt_->pause();
  EXPECT_TRUE(testing::wait_until_blocked_in(tid, kGateCall));
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  interrupt_->resume();
  EXPECT_EQ(guest.result().value(), POLLIN);
}

TEST_F(InterruptTest, StopEndsAPause) {
  interrupt_->pause();
  Sleeper guest([&] { return interrupt_->run_gate(); }, kGateCall);
  interrupt_->request_stop();
  EXPECT_FALSE(guest.result());
}

}  // namespace
}  // namespace wasmbpf
