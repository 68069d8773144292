#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Args;
using test::engine;
using test::Guest;
using test::hook;
using test::Results;

constexpr std::string_view kEndless = R"((module
  (import "env" "ready" (func $ready))
  (func $spin (export "_start") (call $ready) (loop $l (br $l))))
)";

TEST(StopTest, EndsAnEndlessLoop) {
  Guest guest(kEndless);
  std::latch ready(1);
  guest.options.functions = {hook("ready", [&] { ready.count_down(); })};
  std::thread stopper([&] {
    ready.wait();
    guest.stop();
  });
  const Exit exit = guest.run();
  stopper.join();
  EXPECT_EQ(exit.kind, Exit::Kind::kStopped);
  EXPECT_EQ(exit.message, "the guest was stopped");
  EXPECT_EQ(exit.backtrace.at(0).function, "spin");
}

TEST(StopTest, EndsAnEndlessLoopInACallback) {
  Guest guest(R"((module
    (import "env" "poll" (func $poll))
    (import "env" "ready" (func $ready))
    (func $callback (export "callback") (call $ready) (loop $l (br $l)))
    (func $main (export "_start") (call $poll) unreachable)))");
  std::latch ready(1);
  guest.options.functions = {
      hook("ready", [&] { ready.count_down(); }),
      {"env", "poll", {}, [](Call& call, Args, Results) -> Status {
         WASMBPF_TRY_ASSIGN(const auto callback,
                            call.find_export("callback", {}));
         const auto values = call.call(callback, {});
         EXPECT_EQ(values.error().code(), Errc::kInterrupted);
         return {};  // ends all the same
       }}};
  std::thread stopper([&] {
    ready.wait();
    guest.stop();
  });
  const Exit exit = guest.run();
  stopper.join();
  EXPECT_EQ(exit.kind, Exit::Kind::kStopped);
}

TEST(StopTest, EndsAWaitOfAHostFunction) {
  Guest guest(R"((module
    (import "env" "wait" (func $wait))
    (func (export "_start") (call $wait) unreachable)))");
  std::latch ready(1);
  guest.options.functions = {
      {"env", "wait", {}, [&](Call& call, Args, Results) -> Status {
         ready.count_down();
         EXPECT_FALSE(call.interrupt().wait(-1, 0, std::nullopt));
         return {};  // the guest is told EINTR, but gets no turn
       }}};
  std::thread stopper([&] {
    ready.wait();
    guest.interrupt->request_stop();  // without a tick
  });
  EXPECT_EQ(guest.run().kind, Exit::Kind::kStopped);
  stopper.join();
}

TEST(StopTest, IsNoHostErrorEvenIfTheHostPassesItOn) {
  Guest guest(R"((module
    (import "env" "wait" (func $wait))
    (func (export "_start") (call $wait))))");
  guest.options.functions = {
      {"env", "wait", {}, [&](Call& call, Args, Results) -> Status {
         guest.interrupt->request_stop();
         WASMBPF_TRY(call.interrupt().wait(-1, 0, std::nullopt));
         return {};
       }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kStopped);
}

TEST(StopTest, EndsAGuestThatHasNotBegun) {
  Guest guest(kEndless);
  bool ran = false;
  guest.options.functions = {hook("ready", [&] { ran = true; })};
  guest.stop();
  EXPECT_EQ(guest.run().kind, Exit::Kind::kStopped);
  EXPECT_FALSE(ran);
}

TEST(StopTest, EndsAnEndlessStartFunction) {
  Guest guest(R"((module
    (import "env" "ready" (func $ready))
    (func $forever (call $ready) (loop $l (br $l)))
    (start $forever)
    (func (export "_start"))))");
  std::latch ready(1);
  guest.options.functions = {hook("ready", [&] { ready.count_down(); })};
  std::thread stopper([&] {
    ready.wait();
    guest.stop();
  });
  EXPECT_EQ(guest.run().kind, Exit::Kind::kStopped);
  stopper.join();
}

TEST(StopTest, TicksAndInterruptsLeaveAGuestRunning) {
  Guest guest(R"((module
    (import "env" "step" (func $step))
    (global $i (mut i32) (i32.const 0))
    (func (export "_start")
      (loop $more
        (call $step)
        (global.set $i (i32.add (global.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (global.get $i) (i32.const 100)))))))");
  int steps = 0;
  guest.options.functions = {hook("step", [&] {
    ++steps;
    guest.interrupt->interrupt();
    engine().tick();
  })};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
  EXPECT_EQ(steps, 100);
}

/// A guest that pauses itself in its first step. Its second one tells whether
/// it came only after `resumed`.
struct PausedGuest {
  PausedGuest() {
    guest.options.functions = {
        hook("pause",
             [this] {
               guest.interrupt->pause();
               engine().tick();
               paused.count_down();
             }),
        hook("after", [this] { was_resumed = resumed.load(); })};
  }

  Guest guest{R"((module
    (import "env" "pause" (func $pause))
    (import "env" "after" (func $after))
    (func (export "_start")
      (local $i i32)
      (call $pause)
      (loop $more
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
      (call $after))))"};
  std::latch paused{1};
  std::atomic<bool> resumed = false;
  std::atomic<bool> was_resumed = false;
};

TEST(PauseTest, HoldsTheGuestUntilResume) {
  PausedGuest paused;
  std::thread resumer([&] {
    paused.paused.wait();
    // Time for a guest that is not held to show it.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    paused.resumed = true;
    paused.guest.interrupt->resume();
  });
  EXPECT_EQ(paused.guest.run().kind, Exit::Kind::kReturned);
  resumer.join();
  EXPECT_TRUE(paused.was_resumed);
}

TEST(PauseTest, AStopEndsIt) {
  PausedGuest paused;
  std::thread stopper([&] {
    paused.paused.wait();
    paused.guest.stop();
  });
  EXPECT_EQ(paused.guest.run().kind, Exit::Kind::kStopped);
  stopper.join();
}

TEST(PauseTest, HoldsAGuestBeforeItsFirstInstruction) {
  Guest guest(kEndless);
  std::atomic<bool> resumed = false;
  guest.options.functions = {hook("ready", [&] {
    EXPECT_TRUE(resumed);
    guest.stop();
  })};
  guest.interrupt->pause();
  std::thread resumer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    resumed = true;
    guest.interrupt->resume();
  });
  EXPECT_EQ(guest.run().kind, Exit::Kind::kStopped);
  resumer.join();
}

}  // namespace
}  // namespace wasmbpf::engine
