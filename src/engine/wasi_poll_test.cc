#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <latch>
#include <limits>
#include <thread>

#include "engine/wasi_test_support.h"

namespace wasmbpf::engine {
namespace {

using std::chrono::steady_clock;
using test::Errno;
using test::Pipe;
using test::WasiGuest;

constexpr std::uint32_t kSubscriptions = 1024;
constexpr std::uint32_t kEvents = 8192;
constexpr std::uint32_t kCount = 64;
constexpr std::uint32_t kMemoryEnd = 65536;
constexpr std::uint64_t kMinusOne = 0xffff'ffff;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

std::uint64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

class WasiPollTest : public ::testing::Test {
 protected:
  WasiPollTest() { guest_.put(kCount, std::uint32_t{99}); }

  void add_clock(std::uint32_t clock, std::uint64_t timeout, bool absolute) {
    const std::uint32_t at = next();
    guest_.put(at + 8, std::uint8_t{wasi_abi::kClock});
    guest_.put(at + 16, clock);
    guest_.put(at + 24, timeout);
    guest_.put(at + 40, std::uint16_t{absolute});
  }

  void add_fd(std::uint8_t type, std::uint32_t fd) {
    const std::uint32_t at = next();
    guest_.put(at + 8, type);
    guest_.put(at + 16, fd);
  }

  Errno poll() {
    return guest_.call("poll_oneoff",
                       {kSubscriptions, kEvents, added_, kCount});
  }

  struct Event {
    std::uint64_t userdata;
    std::uint16_t error;
    std::uint8_t type;
    std::uint64_t size;
    std::uint16_t flags;
  };
  std::vector<Event> events() const {
    std::vector<Event> events;
    const auto count = guest_.get<std::uint32_t>(kCount);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t at = kEvents + i * wasi_abi::kEventSize;
      events.push_back({guest_.get<std::uint64_t>(at),
                        guest_.get<std::uint16_t>(at + 8),
                        guest_.get<std::uint8_t>(at + 10),
                        guest_.get<std::uint64_t>(at + 16),
                        guest_.get<std::uint16_t>(at + 24)});
    }
    return events;
  }
  /// The user's numbers of the subscriptions that are ready: 0, 1, 2 ...
  std::vector<std::uint64_t> ready() const {
    std::vector<std::uint64_t> numbers;
    for (const Event& event : events()) {
      numbers.push_back(event.userdata);
    }
    return numbers;
  }

  WasiGuest guest_;
  std::uint32_t added_ = 0;

 private:
  std::uint32_t next() {
    const std::uint32_t at =
        kSubscriptions + added_ * std::uint32_t{wasi_abi::kSubscriptionSize};
    guest_.put(at, std::uint64_t{added_++});
    return at;
  }
};

using ::testing::ElementsAre;

TEST_F(WasiPollTest, SleepsForATime) {
  for (const std::uint32_t clock : {0u, 1u}) {
    added_ = 0;
    add_clock(clock, 5 * kMillisecond, false);
    const auto start = steady_clock::now();
    EXPECT_EQ(poll(), Errno::kSuccess);
    EXPECT_GE(steady_clock::now() - start, std::chrono::milliseconds(5));
    EXPECT_THAT(ready(), ElementsAre(0));
    EXPECT_EQ(events()[0].error, 0);
    EXPECT_EQ(events()[0].type, wasi_abi::kClock);
  }
}

TEST_F(WasiPollTest, SleepsUntilATime) {
  for (const auto& [number, clock] :
       {std::pair(0u, CLOCK_REALTIME), std::pair(1u, CLOCK_MONOTONIC)}) {
    added_ = 0;
    const std::uint64_t due = now(clock) + 5 * kMillisecond;
    add_clock(number, due, true);
    EXPECT_EQ(poll(), Errno::kSuccess);
    EXPECT_GE(now(clock), due);
    EXPECT_THAT(ready(), ElementsAre(0));
  }
}

TEST_F(WasiPollTest, ATimeInThePastIsDue) {
  add_clock(0, 1, true);
  add_clock(1, 1, true);
  add_clock(1, kForever, true);
  add_clock(1, kForever, false);
  add_clock(1, 0, false);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_THAT(ready(), ElementsAre(0, 1, 4));
}

TEST_F(WasiPollTest, TheFirstOfTwoClocksEndsIt) {
  add_clock(1, kForever, false);
  add_clock(1, kMillisecond, false);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_THAT(ready(), ElementsAre(1));
}

TEST_F(WasiPollTest, ClocksThatCannotBeWaitedForAreErrors) {
  add_clock(3, kMillisecond, false);
  add_clock(77, kMillisecond, false);
  EXPECT_EQ(poll(), Errno::kSuccess);
  ASSERT_THAT(ready(), ElementsAre(0, 1));
  EXPECT_EQ(events()[1].error, std::to_underlying(Errno::kInval));
}

TEST_F(WasiPollTest, WaitsForStdin) {
  const Pipe pipe;
  guest_.options.stdin_fd = pipe.reader.get();
  add_clock(1, kForever, false);
  add_fd(wasi_abi::kFdRead, 0);
  std::latch ready_to_read(1);
  guest_.before_calls = [&] { ready_to_read.count_down(); };
  std::thread writer([&] {
    ready_to_read.wait();
    EXPECT_EQ(write(pipe.writer.get(), "abc", 3), 3);
  });
  EXPECT_EQ(poll(), Errno::kSuccess);
  writer.join();
  ASSERT_THAT(ready(), ElementsAre(1));
  EXPECT_EQ(events()[0].type, wasi_abi::kFdRead);
  EXPECT_EQ(events()[0].size, 3u);
}

TEST_F(WasiPollTest, StdinAtItsEndIsReady) {
  add_fd(wasi_abi::kFdRead, 0);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(events().at(0).flags, wasi_abi::kHangup);

  Pipe pipe;
  pipe.writer.reset();
  guest_.options.stdin_fd = pipe.reader.get();
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(events().at(0).flags, wasi_abi::kHangup);
}

TEST_F(WasiPollTest, OutputIsAlwaysReady) {
  const Pipe pipe;
  guest_.options.stdin_fd = pipe.reader.get();  // with nothing to read
  add_fd(wasi_abi::kFdRead, 0);
  add_clock(1, kForever, false);
  add_fd(wasi_abi::kFdWrite, 1);
  add_fd(wasi_abi::kFdWrite, 2);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_THAT(ready(), ElementsAre(2, 3));
}

TEST_F(WasiPollTest, OtherDescriptorsAreErrors) {
  add_fd(wasi_abi::kFdRead, 1);
  add_fd(wasi_abi::kFdWrite, 0);
  add_fd(wasi_abi::kFdRead, 3);
  add_fd(wasi_abi::kFdWrite, 0xffff'ffff);
  EXPECT_EQ(poll(), Errno::kSuccess);
  ASSERT_EQ(events().size(), 4u);
  for (const Event& event : events()) {
    EXPECT_EQ(event.error, std::to_underlying(Errno::kBadf));
  }
}

TEST_F(WasiPollTest, AnInterruptEndsItWithEintr) {
  add_clock(1, kForever, false);
  std::latch ready_to_wait(1);
  guest_.before_calls = [&] { ready_to_wait.count_down(); };
  Interrupt& interrupt = *guest_.interrupt;
  std::thread user([&] {
    ready_to_wait.wait();
    interrupt.interrupt();
  });
  EXPECT_EQ(poll(), Errno::kIntr);
  user.join();
  EXPECT_EQ(guest_.exit.kind, Exit::Kind::kReturned);
}

TEST_F(WasiPollTest, AStopEndsTheGuest) {
  add_clock(1, kForever, false);
  std::latch ready_to_wait(1);
  guest_.before_calls = [&] { ready_to_wait.count_down(); };
  Interrupt& interrupt = *guest_.interrupt;
  std::thread user([&] {
    ready_to_wait.wait();
    interrupt.request_stop();
  });
  poll();
  user.join();
  EXPECT_EQ(guest_.exit.kind, Exit::Kind::kStopped);
  EXPECT_TRUE(guest_.answers.empty());
}

TEST_F(WasiPollTest, RefusesHostileNumbers) {
  add_clock(1, 0, false);
  const auto call = [&](std::uint64_t in, std::uint64_t out,
                        std::uint64_t count, std::uint64_t out_count) {
    return guest_.call("poll_oneoff", {in, out, count, out_count});
  };
  EXPECT_EQ(call(kSubscriptions, kEvents, 0, kCount), Errno::kInval);
  EXPECT_EQ(call(kSubscriptions, kEvents, kMinusOne, kCount), Errno::kInval);
  EXPECT_EQ(call(kSubscriptions, kEvents, 4097, kCount), Errno::kInval);
  EXPECT_EQ(call(0, kEvents, 4096, kCount), Errno::kFault);
  EXPECT_EQ(call(kMinusOne, kEvents, 1, kCount), Errno::kFault);
  EXPECT_EQ(call(kMemoryEnd - 47, kEvents, 1, kCount), Errno::kFault);
  EXPECT_EQ(call(kSubscriptions, kMinusOne, 1, kCount), Errno::kFault);
  EXPECT_EQ(call(kSubscriptions, kMemoryEnd - 31, 1, kCount), Errno::kFault);
  EXPECT_EQ(call(kSubscriptions, kEvents, 1, kMinusOne), Errno::kFault);
  EXPECT_EQ(call(kSubscriptions, kEvents, 1, kMemoryEnd - 3), Errno::kFault);
  EXPECT_EQ(call(kMemoryEnd - 48, kMemoryEnd - 32, 1, kMemoryEnd - 4),
            Errno::kSuccess);
}

TEST_F(WasiPollTest, RefusesUnknownTypes) {
  add_fd(3, 0);
  EXPECT_EQ(poll(), Errno::kInval);
  EXPECT_EQ(guest_.get<std::uint32_t>(kCount), 99u);
}

TEST_F(WasiPollTest, TheListsMayOverlap) {
  add_clock(1, 0, false);
  add_clock(0, 0, false);
  EXPECT_EQ(guest_.call("poll_oneoff",
                        {kSubscriptions, kSubscriptions + 8, 2, kCount}),
            Errno::kSuccess);
  EXPECT_EQ(guest_.get<std::uint64_t>(kSubscriptions + 8), 0u);
  EXPECT_EQ(guest_.get<std::uint64_t>(kSubscriptions + 40), 1u);
}

}  // namespace
}  // namespace wasmbpf::engine
