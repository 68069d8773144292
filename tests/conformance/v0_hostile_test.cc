// Forged handles, pointers and lengths: the guest gets an errno, the host
// lives. What needs a real map is in tests/kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "conformance/v0_guest.h"
#include "support/guest_session.h"

namespace wasmbpf::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

GuestRun run_v0(std::string_view start) {
  GuestRun run = run_guest(must_load(v0_guest(start)));
  EXPECT_EQ(run.result.ended_by, EndedBy::kGuest) << run.result.message;
  return run;
}

/// Each number that a guest might try as a handle.
const char* const kForged[] = {"0",  "1",     "2",          "3",
                               "-1", "65536", "2147483647", "-2147483648"};

TEST(V0Hostile, LoadRefusesRangesOutsideMemory) {
  const GuestRun run = run_v0(R"(
    (call $report (call $load (i32.const 0) (i32.const 65537)))
    (call $report (call $load (i32.const 65536) (i32.const 1)))
    (call $report (call $load (i32.const -1) (i32.const 2)))
    (call $report (call $load (i32.const 16) (i32.const -1)))
    (call $report (call $load (i32.const -16) (i32.const 32))))");
  EXPECT_THAT(run.reported, ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(run.log, HasSubstr("outside linear memory"));
}

TEST(V0Hostile, LoadRefusesWhatIsNotAnObject) {
  const GuestRun run = run_v0(R"(
    (call $report (call $load (i32.const 0) (i32.const 0)))
    (call $report (call $load (i32.const 1024) (i32.const 6)))
    (call $report (call $load (i32.const 0) (i32.const 65536))))");
  EXPECT_THAT(run.reported, ElementsAre(0, 0, 0));
  EXPECT_THAT(run.log, HasSubstr("error: load eBPF object"));
}

TEST(V0Hostile, ForgedObjectHandlesAnswerEbadf) {
  for (const std::string forged : kForged) {
    const std::string object = "(i64.const " + forged + ")";
    const GuestRun run =
        run_v0("(call $report32 (call $close " + object + "))" +
               "(call $report32 (call $attach " + object +
               " (i32.const 1024) (i32.const 0)))" +
               "(call $report32 (call $map " + object + " (i32.const 1024)))" +
               "(call $report32 (call $poll " + object +
               " (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0)"
               " (i32.const 64) (i32.const 0)))");
    EXPECT_THAT(run.reported, Each(-EBADF)) << forged;
    EXPECT_EQ(run.reported.size(), 4u);
  }
}

TEST(V0Hostile, ObjectHandlesAreNotCutToThirtyTwoBits) {
  const GuestRun run = run_v0(R"(
    (call $report32 (call $close (i64.const 0x100000001)))
    (call $report32 (call $close (i64.const -9223372036854775808))))");
  EXPECT_THAT(run.reported, Each(-EBADF));
}

TEST(V0Hostile, MapNumbersAreNotDescriptors) {
  for (const std::string forged : kForged) {
    for (const char* const command : {"1", "2", "3", "4", "21", "99", "-1"}) {
      const GuestRun run = run_v0(
          "(call $report32 (call $operate (i32.const " + forged +
          ") (i32.const " + command +
          ") (i32.const 0) (i32.const 8) (i32.const 16) (i64.const 0)))");
      EXPECT_THAT(run.reported, ElementsAre(-EBADF))
          << forged << " command " << command;
    }
  }
}

TEST(V0Hostile, ABadHandleIsSaidBeforeABadPointer) {
  const GuestRun run = run_v0(R"(
    (call $report32 (call $attach (i64.const 7) (i32.const -1) (i32.const -1)))
    (call $report32 (call $map (i64.const 7) (i32.const -1)))
    (call $report32 (call $poll (i64.const 7) (i32.const 7) (i32.const 99)
      (i32.const 0) (i32.const -1) (i32.const -1) (i32.const -1))))");
  EXPECT_THAT(run.reported, Each(-EBADF));
}

TEST(V0Hostile, AGuestWithoutMemoryIsToldSo) {
  const GuestRun run = run_guest(must_load(R"((module
    (import "wasm_bpf" "wasm_load_bpf_object"
      (func $load (param i32 i32) (result i64)))
    (import "test" "report" (func $report (param i64)))
    (func (export "_start")
      (call $report (call $load (i32.const 0) (i32.const 1))))))"));
  EXPECT_THAT(run.reported, ElementsAre(0));
}

}  // namespace
}  // namespace wasmbpf::testing
