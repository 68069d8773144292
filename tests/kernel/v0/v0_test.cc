// The v0 interface on a real kernel: each scenario of v0_scenarios.c is a test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <semaphore>

#include "base/blocked_thread.h"
#include "bpf/map.h"
#include "support/guest_session.h"

namespace wasmbpf::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kDeadline = std::chrono::seconds(30);

/// What the scenarios import: marked system calls, and facts of this process.
std::vector<HostFunction> test_functions(std::function<void()> on_ready) {
  using Params = std::span<const std::uint64_t>;
  using Results = std::span<std::uint64_t>;
  return {
      {"test",
       "emit",
       {ValueType::kI64, ValueType::kI64, ValueType::kI64},
       {},
       [](GuestCall&, Params params, Results) -> Status {
         for (std::uint64_t i = 0; i < params[1]; ++i) {
           ::syscall(SYS_personality, 0xffffffffUL, params[0] + i, params[2]);
         }
         return {};
       }},
      {"test",
       "process_id",
       {},
       {ValueType::kI32},
       [](GuestCall&, Params, Results results) -> Status {
         results[0] = static_cast<std::uint64_t>(::getpid());
         return {};
       }},
      {"test",
       "cpus",
       {},
       {ValueType::kI32},
       [](GuestCall&, Params, Results results) -> Status {
         results[0] =
             static_cast<std::uint64_t>(bpf::possible_cpus().value_or(0));
         return {};
       }},
      {"test",
       "ready",
       {},
       {},
       [on_ready = std::move(on_ready)](GuestCall&, Params, Results) -> Status {
         on_ready();
         return {};
       }},
  };
}

const Module& scenarios() {
  static const Module module = must_load_file(V0_SCENARIOS_WASM);
  return module;
}

GuestRun run_scenario(const std::string& name) {
  return run_guest(scenarios(), {name}, test_functions([] {}));
}

const BufferSummary& buffer(const GuestRun& run, std::string_view map) {
  const auto found =
      std::ranges::find(run.result.buffers, map, &BufferSummary::map);
  EXPECT_NE(found, run.result.buffers.end()) << map;
  return *found;
}

/// What all tests share is made before their descriptors are counted.
class SharedState : public ::testing::Environment {
  void SetUp() override { scenarios(); }
};
[[maybe_unused]] const auto* const shared_state =
    ::testing::AddGlobalTestEnvironment(new SharedState);

class V0Scenario : public ::testing::TestWithParam<const char*> {};

TEST_P(V0Scenario, Holds) {
  const GuestRun run = run_scenario(GetParam());
  EXPECT_EQ(run.result.ended_by, EndedBy::kGuest) << run.result.message;
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
}

INSTANTIATE_TEST_SUITE_P(
    All, V0Scenario,
    ::testing::Values(
        "ring_delivers_all_in_order", "perf_delivers_all",
        "two_buffers_of_one_object",
        "large_samples_are_cut_with_their_real_size",
        "a_negative_result_stops_the_poll",
        "an_object_is_busy_in_its_own_callback", "polls_refuse_what_is_wrong",
        "a_timeout_answers_zero", "hash_operations", "queue_operations",
        "per_cpu_values_have_the_real_stride",
        "map_operations_refuse_what_is_wrong",
        "descriptors_cannot_be_smuggled_in", "names_and_stale_handles",
        "a_handle_of_another_kind_names_nothing", "a_callback_without_a_result",
        "an_automatic_program_takes_any_target", "leaves_everything_open"),
    [](const auto& info) { return std::string(info.param); });

/// The scenario in the dialect of Go's guests and with 64-bit pointers.
GuestRun run_in_other_dialect(const char* module, const std::string& scenario,
                              const SessionOptions& names) {
  Recorder recorder;
  SessionOptions options = recorder.options();
  options.args = {scenario};
  options.go_wrapper_module = names.go_wrapper_module;
  options.go_callback_export = names.go_callback_export;
  for (HostFunction& function : test_functions([] {})) {
    options.functions.push_back(std::move(function));
  }
  auto session =
      shared_runtime().start(must_load_file(module), std::move(options));
  EXPECT_TRUE(session) << session.error().message();
  return recorder.run_of(session->wait());
}

class V0Dialect : public ::testing::TestWithParam<const char*> {};

TEST_P(V0Dialect, HoldsToo) {
  const GuestRun run =
      run_in_other_dialect(V0_SCENARIOS_GO_WASM, GetParam(), {});
  EXPECT_EQ(run.result.ended_by, EndedBy::kGuest) << run.result.message;
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
}

INSTANTIATE_TEST_SUITE_P(
    All, V0Dialect,
    ::testing::Values("ring_delivers_all_in_order", "perf_delivers_all",
                      "large_samples_are_cut_with_their_real_size",
                      "a_negative_result_stops_the_poll",
                      "an_object_is_busy_in_its_own_callback",
                      "polls_refuse_what_is_wrong", "hash_operations",
                      "queue_operations", "per_cpu_values_have_the_real_stride",
                      "map_operations_refuse_what_is_wrong"),
    [](const auto& info) { return std::string(info.param); });

TEST(V0Dialect, ItsNamesCanBeChanged) {
  SessionOptions names;
  names.go_wrapper_module = "other-wrapper";
  names.go_callback_export = "other-callback";
  const GuestRun run = run_in_other_dialect(
      V0_SCENARIOS_RENAMED_WASM, "ring_delivers_all_in_order", names);
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
}

TEST(V0Dialect, WithoutItsExportAPollIsRefused) {
  SessionOptions names;
  names.go_wrapper_module = "other-wrapper";
  const GuestRun run = run_in_other_dialect(
      V0_SCENARIOS_RENAMED_WASM, "ring_delivers_all_in_order", names);
  EXPECT_GT(run.result.code, 0);
  EXPECT_THAT(run.log, HasSubstr("go-callback"));
}

TEST(V0, CutSamplesAreCounted) {
  const GuestRun run =
      run_scenario("large_samples_are_cut_with_their_real_size");
  EXPECT_EQ(buffer(run, "ring").truncated, 3u);
}

TEST(V0, NoSampleIsLostWithoutACount) {
  const GuestRun run = run_scenario("overflow_is_counted");
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
  const BufferSummary& counted = buffer(run, "counted");
  ASSERT_TRUE(counted.lost);
  EXPECT_GT(*counted.lost, 0u);
  EXPECT_EQ(counted.delivered + *counted.lost, 20001u);
  const BufferSummary& perf = buffer(run, "perf");
  ASSERT_TRUE(perf.lost);
  EXPECT_GT(*perf.lost, 0u);
  EXPECT_EQ(perf.delivered + *perf.lost, 20001u);
}

TEST(V0, SamplesThatAreLeftAreUnreadNotGone) {
  const GuestRun run = run_scenario("samples_are_left_unread");
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
  ASSERT_EQ(run.result.buffers.size(), 3u);
  for (const char* name : {"ring", "counted", "perf"}) {
    EXPECT_EQ(buffer(run, name).delivered, 6u) << name;
    EXPECT_EQ(buffer(run, name).unread, 14u) << name;
    EXPECT_EQ(buffer(run, name).lost.value_or(0), 0u) << name;
  }
}

TEST(V0, BuffersOfOneNameAreOneInTheSummary) {
  const GuestRun run = run_scenario("one_object_after_the_other");
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
  EXPECT_EQ(run.result.buffers.size(), 3u);
}

TEST(V0, WhatATrapLeavesIsUnread) {
  const GuestRun run = run_scenario("a_callback_traps");
  EXPECT_EQ(buffer(run, "ring").delivered, 1u);
  EXPECT_EQ(buffer(run, "ring").unread, 1u);
  EXPECT_EQ(buffer(run, "perf").unread, 2u);
}

TEST(V0, AForeignRingsLossesAreUnknownNotZero) {
  const GuestRun run = run_scenario("ring_delivers_all_in_order");
  const BufferSummary& ring = buffer(run, "ring");
  EXPECT_FALSE(ring.lost);
  EXPECT_EQ(ring.delivered, 1000u);
  EXPECT_EQ(ring.size_bytes, 256u * 1024);
  EXPECT_GE(ring.high_water_bytes, 1000u * 16);
}

TEST(V0, ATrapInACallbackEndsTheGuestWithItsBacktrace) {
  const GuestRun run = run_scenario("a_callback_traps");
  EXPECT_EQ(run.result.ended_by, EndedBy::kTrap);
  EXPECT_THAT(run.out, Not(HasSubstr("came back")));
  ASSERT_FALSE(run.result.backtrace.empty());
  EXPECT_THAT(run.result.backtrace[0], HasSubstr("traps"));
}

/// Runs a scenario that calls `test.ready` once it is where it should be.
class Steered {
 public:
  explicit Steered(const std::string& name) {
    SessionOptions options = recorder_.options();
    options.args = {name};
    for (HostFunction& function : test_functions([this] {
           tid_ = ::gettid();
           ready_.release();
         })) {
      options.functions.push_back(std::move(function));
    }
    auto started = shared_runtime().start(scenarios(), std::move(options));
    EXPECT_TRUE(started) << started.error().message();
    session_.emplace(std::move(*started));
    ready_.acquire();
  }
  Session& session() { return *session_; }
  /// Until the guest's thread sleeps in the wait that comes after `ready`.
  void wait_until_asleep() const {
    EXPECT_TRUE(wait_until_blocked_in(tid_, SYS_ppoll));
  }
  GuestRun finish() {
    const SessionResult* result = session_->wait_for(kDeadline);
    EXPECT_NE(result, nullptr) << "the guest does not end";
    return recorder_.run_of(result != nullptr ? *result : SessionResult{});
  }

 private:
  Recorder recorder_;
  std::binary_semaphore ready_{0};
  pid_t tid_ = 0;
  std::optional<Session> session_;
};

TEST(V0, AnInterruptEndsAWaitWithoutTimeout) {
  Steered guest("an_interrupt_ends_an_endless_wait");
  guest.wait_until_asleep();
  guest.session().interrupt();
  const GuestRun run = guest.finish();
  EXPECT_EQ(run.result.ended_by, EndedBy::kGuest) << run.result.message;
  EXPECT_EQ(run.result.code, 0) << run.out << run.log;
}

TEST(V0, ACallbackOfAWrongTypeIsAWarningOnce) {
  const GuestRun run = run_scenario("polls_refuse_what_is_wrong");
  const auto first = run.log.find("warning: wasm_bpf_buffer_poll: callback");
  ASSERT_NE(first, std::string::npos) << run.log;
  EXPECT_EQ(run.log.find("warning: wasm_bpf_buffer_poll", first + 1),
            std::string::npos);
}

TEST(V0, StopEndsAWaitWithoutTimeout) {
  Steered guest("an_interrupt_ends_an_endless_wait");
  guest.wait_until_asleep();
  guest.session().stop();
  EXPECT_EQ(guest.finish().result.ended_by, EndedBy::kStop);
}

TEST(V0, StopEndsAnEndlessLoopInACallback) {
  Steered guest("a_callback_loops");
  guest.session().stop();
  EXPECT_EQ(guest.finish().result.ended_by, EndedBy::kStop);
}

TEST(V0, PauseHoldsAWaitAndInterruptStillWorksAfterResume) {
  Steered guest("an_interrupt_ends_an_endless_wait");
  guest.wait_until_asleep();
  guest.session().pause();
  guest.session().interrupt();
  EXPECT_EQ(guest.session().wait_for(std::chrono::milliseconds(50)), nullptr);
  guest.session().resume();
  EXPECT_EQ(guest.finish().result.code, 0);
}

}  // namespace
}  // namespace wasmbpf::testing
