// Which modules link: both signatures, the Go dialect, and clear words for the
// rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "conformance/v0_guest.h"
#include "support/guest_session.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Error link_error(std::string_view wat, SessionOptions options = {}) {
  auto session = shared_runtime().start(must_load(wat), std::move(options));
  EXPECT_FALSE(session) << "the module links";
  return session ? Error(Errc::kInternal, "linked") : session.error();
}

TEST(V0Linking, MapOperateTakesWidePointersToo) {
  const GuestRun run = run_guest(must_load(R"((module
    (import "wasm_bpf" "wasm_bpf_map_operate"
      (func $operate (param i32 i32 i64 i64 i64 i64) (result i32)))
    (import "test" "report" (func $report (param i64)))
    (memory (export "memory") 1)
    (func (export "_start")
      (call $report (i64.extend_i32_s (call $operate (i32.const 3)
        (i32.const 1) (i64.const 0) (i64.const -1) (i64.const 0)
        (i64.const 0)))))))"));
  EXPECT_THAT(run.reported, ElementsAre(-EBADF));
}

constexpr char kGoGuest[] = R"((module
  (import "callback-wrapper" "wasm_bpf_buffer_poll"
    (func $poll (param i64 i32 i32 i32 i32 i32) (result i32)))
  (import "test" "report" (func $report (param i64)))
  (memory (export "memory") 1)
  (func (export "go-callback") (param i32 i32 i32) (result i32) (i32.const 0))
  (func (export "_start")
    (call $report (i64.extend_i32_s (call $poll (i64.const 1) (i32.const 2)
      (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 0)))))))";

TEST(V0Linking, TheGoDialectLinks) {
  const GuestRun run = run_guest(must_load(kGoGuest));
  EXPECT_THAT(run.reported, ElementsAre(-EBADF));
}

TEST(V0Linking, TheGoDialectsModuleNameCanBeChanged) {
  SessionOptions options;
  options.go_wrapper_module = "other";
  EXPECT_THAT(link_error(kGoGuest, std::move(options)).message(),
              HasSubstr("callback-wrapper"));
}

TEST(V0Linking, AnUnknownImportIsNamedWithItsType) {
  const Error error = link_error(R"((module
    (import "wasm_bpf" "no_such_call" (func (param i32 i64) (result i32)))
    (func (export "_start"))))");
  EXPECT_EQ(error.code(), Errc::kNotFound);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("wasm_bpf"), HasSubstr("no_such_call"),
                    HasSubstr("(i32 i64) -> i32")));
}

TEST(V0Linking, AWrongSignatureShowsBoth) {
  const Error error = link_error(R"((module
    (import "wasm_bpf" "wasm_close_bpf_object" (func (param i32)))
    (func (export "_start"))))");
  EXPECT_EQ(error.code(), Errc::kInvalidArgument);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("wasm_close_bpf_object"), HasSubstr("(i32)"),
                    HasSubstr("(i64) -> i32")));
}

TEST(V0Linking, AnythingButAModuleIsRefusedWithAReason) {
  const auto refused = [](std::string_view text) {
    const auto module = shared_runtime().load(
        {reinterpret_cast<const std::byte*>(text.data()), text.size()});
    return !module && module.error().code() == Errc::kInvalidModule &&
           !module.error().message().empty();
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("#!/bin/sh\n"));
  EXPECT_TRUE(refused(std::string_view("\0asm\1\0\0\0\1\2\0", 11)));
}

}  // namespace
}  // namespace wasmbpf::testing
