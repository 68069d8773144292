// Sessions through the public API: how they end, and how they are steered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <semaphore>
#include <thread>

#include "support/guest_session.h"

namespace wasmbpf::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kSoon = std::chrono::seconds(20);  // a deadline, never a wait

constexpr char kEndlessLoop[] = R"((module
  (import "test" "ready" (func $ready))
  (func (export "_start") (call $ready) (loop (br 0)))))";

constexpr char kEcho[] = R"((module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (i32.store (i32.const 0) (i32.const 64))
    (loop $again
      (i32.store (i32.const 4) (i32.const 1024))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1)
        (i32.const 8)))
      (local.set $n (i32.load (i32.const 8)))
      (if (i32.eqz (local.get $n)) (then (return)))
      (i32.store (i32.const 4) (local.get $n))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1)
        (i32.const 12)))
      (br $again)))))";

std::string exit_with(int code) {
  return R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const )" +
         std::to_string(code) + R"()))))";
}

/// Starts a guest that calls `test.ready` and waits until it has.
class ReadyGuest {
 public:
  explicit ReadyGuest(std::string_view wat) {
    SessionOptions options = recorder_.options();
    options.functions.push_back(
        {"test",
         "ready",
         {},
         {},
         [this](GuestCall&, std::span<const std::uint64_t>,
                std::span<std::uint64_t>) -> Status {
           ready_.release();
           return {};
         }});
    auto started = shared_runtime().start(must_load(wat), std::move(options));
    EXPECT_TRUE(started) << started.error().message();
    session_.emplace(std::move(*started));
    ready_.acquire();
  }
  Session& session() { return *session_; }
  /// The result, or a failure when the guest does not end in time.
  const SessionResult* ended() { return session_->wait_for(kSoon); }

 private:
  Recorder recorder_;
  std::binary_semaphore ready_{0};
  std::optional<Session> session_;
};

TEST(Session, PassesTheExitCodeOn) {
  for (const int code : {0, 1, 3, 125}) {
    const GuestRun run = run_guest(must_load(exit_with(code)));
    EXPECT_EQ(run.result.ended_by, EndedBy::kGuest);
    EXPECT_EQ(run.result.code, code);
  }
}

TEST(Session, ATrapSaysWhatAndWhere) {
  const GuestRun run = run_guest(must_load(R"((module
    (memory (export "memory") 1)
    (func $reads_far (drop (i32.load (i32.const -4))))
    (func (export "_start") (call $reads_far))))"));
  EXPECT_EQ(run.result.ended_by, EndedBy::kTrap);
  EXPECT_THAT(run.result.message, HasSubstr("memory"));
  ASSERT_FALSE(run.result.backtrace.empty());
  EXPECT_THAT(run.result.backtrace[0], HasSubstr("reads_far"));
}

TEST(Session, StopEndsAnEndlessLoop) {
  ReadyGuest guest(kEndlessLoop);
  guest.session().stop();
  const SessionResult* result = guest.ended();
  ASSERT_NE(result, nullptr);
  EXPECT_EQ(result->ended_by, EndedBy::kStop);
}

TEST(Session, StopEndsASleep) {
  ReadyGuest guest(R"((module
    (import "test" "ready" (func $ready))
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (call $ready)
      (i32.store (i32.const 16) (i32.const 1))
      (i64.store (i32.const 24) (i64.const 3600000000000))
      (drop (call $poll (i32.const 0) (i32.const 128) (i32.const 1)
        (i32.const 256)))
      (loop (br 0)))))");
  guest.session().stop();
  const SessionResult* result = guest.ended();
  ASSERT_NE(result, nullptr);
  EXPECT_EQ(result->ended_by, EndedBy::kStop);
}

TEST(Session, DestroyingItStopsTheGuest) {
  const ReadyGuest guest(kEndlessLoop);
}

TEST(Session, StopManyTimesAtOnce) {
  // Each round races a stop against the guest's own look at its epoch.
  for (int round = 0; round < 50; ++round) {
    ReadyGuest guest(kEndlessLoop);
    guest.session().stop();
    ASSERT_NE(guest.ended(), nullptr) << "round " << round;
  }
}

TEST(Session, PauseHoldsAndResumeGoesOn) {
  std::atomic<std::uint64_t> calls = 0;
  SessionOptions options;
  options.functions.push_back({"test",
                               "count",
                               {},
                               {},
                               [&](GuestCall&, std::span<const std::uint64_t>,
                                   std::span<std::uint64_t>) -> Status {
                                 ++calls;
                                 return {};
                               }});
  auto session = shared_runtime().start(must_load(R"((module
    (import "test" "count" (func $count))
    (func (export "_start") (loop (call $count) (br 0)))))"),
                                        std::move(options));
  ASSERT_TRUE(session) << session.error().message();
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  const auto wait_until = [&](auto condition) {
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return condition();
  };
  ASSERT_TRUE(wait_until([&] { return calls > 0; }));
  session->pause();
  // Paused for good once two looks, a few ticks apart, see one number.
  std::uint64_t seen = 0;
  ASSERT_TRUE(wait_until([&] {
    seen = calls;
    EXPECT_EQ(session->wait_for(milliseconds(30)), nullptr);
    return seen == calls;
  }));
  session->resume();
  EXPECT_TRUE(wait_until([&] { return calls > seen; }));
  session->stop();
  EXPECT_NE(session->wait_for(kSoon), nullptr);
}

TEST(Session, WaitingForEverIsNotAnInstant) {
  ReadyGuest guest(R"((module
    (import "test" "ready" (func $ready))
    (func (export "_start") (call $ready) (loop (br 0)))))");
  std::thread stopper([&] {
    EXPECT_EQ(guest.session().wait_for(milliseconds(50)), nullptr);
    guest.session().stop();
  });
  EXPECT_NE(guest.session().wait_for(milliseconds::max()), nullptr);
  stopper.join();
}

TEST(Session, AFunctionWithoutABodyIsRefused) {
  SessionOptions options;
  options.functions.push_back({"env", "f", {}, {}, nullptr});
  const auto session = shared_runtime().start(
      must_load(R"((module (func (export "_start"))))"), std::move(options));
  ASSERT_FALSE(session);
  EXPECT_THAT(session.error().message(), HasSubstr("env.f has no body"));
}

TEST(Session, RunsSeveralModulesAtOnce) {
  std::vector<std::unique_ptr<ReadyGuest>> guests;
  for (int i = 0; i < 8; ++i) {
    guests.push_back(std::make_unique<ReadyGuest>(kEndlessLoop));
  }
  guests[3]->session().stop();
  ASSERT_NE(guests[3]->ended(), nullptr);
  EXPECT_EQ(guests[4]->session().wait_for(milliseconds(0)), nullptr);
}

TEST(Session, StandardStreamsFromMemoryAndToMemory) {
  Recorder recorder;
  SessionOptions options = recorder.options();
  const std::string text = "one\ntwo\n" + std::string(5000, 'x');
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  options.stdin_from = std::vector<std::byte>(bytes, bytes + text.size());
  auto session = shared_runtime().start(must_load(kEcho), std::move(options));
  ASSERT_TRUE(session) << session.error().message();
  EXPECT_EQ(recorder.run_of(session->wait()).out, text);
}

TEST(Session, StandardStreamsFromFilesAndToFiles) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) /
      ("streams" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "in") << "from a file";
  SessionOptions options;
  options.stdin_from = folder / "in";
  options.stdout_to = folder / "out";
  auto session = shared_runtime().start(must_load(kEcho), std::move(options));
  ASSERT_TRUE(session) << session.error().message();
  session->wait();
  std::ifstream out(folder / "out");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(out), {}),
            "from a file");
  std::filesystem::remove_all(folder);
}

TEST(Session, AMissingInputFileIsNamed) {
  SessionOptions options;
  options.stdin_from = std::filesystem::path("/nonexistent/in");
  const auto session =
      shared_runtime().start(must_load(kEcho), std::move(options));
  ASSERT_FALSE(session);
  EXPECT_THAT(
      session.error().message(),
      ::testing::AllOf(HasSubstr("stdin"), HasSubstr("/nonexistent/in")));
}

TEST(Session, AnEmbeddersFunctionReadsAndWritesCheckedMemory) {
  const HostFunction swap{
      "host",
      "swap",
      {ValueType::kI32},
      {ValueType::kI32},
      [](GuestCall& guest, std::span<const std::uint64_t> params,
         std::span<std::uint64_t> results) -> Status {
        const auto bytes = guest.read(params[0], 4);
        if (!bytes) {
          results[0] = 1;
          return {};
        }
        const std::vector<std::byte> reversed(bytes->rbegin(), bytes->rend());
        results[0] = 0;
        return guest.write(params[0], reversed);
      }};
  const GuestRun run = run_guest(must_load(R"((module
    (import "host" "swap" (func $swap (param i32) (result i32)))
    (import "test" "report" (func $report (param i64)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\01\02\03\04")
    (func (export "_start")
      (call $report (i64.extend_i32_u (call $swap (i32.const 16))))
      (call $report (i64.load32_u (i32.const 16)))
      (call $report (i64.extend_i32_u (call $swap (i32.const -2)))))))"),
                                 {}, {swap});
  EXPECT_THAT(run.reported, ElementsAre(0, 0x01020304, 1));
}

TEST(Session, AnEmbeddersErrorEndsTheGuest) {
  const HostFunction fails{"host",
                           "fails",
                           {},
                           {},
                           [](GuestCall&, std::span<const std::uint64_t>,
                              std::span<std::uint64_t>) -> Status {
                             return Error(Errc::kNotFound, "no such thing");
                           }};
  const GuestRun run = run_guest(must_load(R"((module
    (import "host" "fails" (func $fails))
    (func (export "_start") (call $fails))))"),
                                 {}, {fails});
  EXPECT_EQ(run.result.ended_by, EndedBy::kRuntime);
  EXPECT_THAT(run.result.message, HasSubstr("no such thing"));
}

TEST(Session, AModuleWithoutStartIsNamedAsSuch) {
  const GuestRun run =
      run_guest(must_load(R"((module (func (export "main"))))"));
  EXPECT_EQ(run.result.ended_by, EndedBy::kRuntime);
  EXPECT_THAT(run.result.message, HasSubstr("_start"));
}

}  // namespace
}  // namespace wasmbpf::testing
