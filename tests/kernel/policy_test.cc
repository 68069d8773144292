// Every import asks the policy, after the handle and before the ranges, and a
// refusal reaches the guest as -EACCES with nothing done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/instance.h"
#include "hostapi/kernel_session.h"
#include "hostapi/v0.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Notes each question; says no to those whose first word is in `refused`.
class RecordingPolicy final : public policy::Policy {
 public:
  explicit RecordingPolicy(std::set<std::string> refused)
      : refused_(std::move(refused)) {}

  std::string_view profile_name() const override { return "recording"; }
  Status allow_load(const policy::ObjectFacts& object) const override {
    return answer("load", std::to_string(object.programs.size()) + " programs");
  }
  Status allow_attach(const policy::ProgramFacts& program,
                      std::string_view target) const override {
    return answer("attach", program.name + " " + program.type + " " +
                                std::string(target));
  }
  Status allow_map_read(const policy::MapFacts& map) const override {
    return answer("read", map.name + " " + map.type);
  }
  Status allow_map_write(const policy::MapFacts& map) const override {
    return answer("write", map.name + " " + map.type);
  }

  mutable std::vector<std::string> questions;

 private:
  Status answer(const std::string& what, const std::string& about) const {
    questions.push_back(what + " " + about);
    if (refused_.contains(what)) {
      return Error(Errc::kPolicy, "no grant for " + what);
    }
    return {};
  }
  std::set<std::string> refused_;
};

/// Bytes as the text of a data segment.
std::string escaped(const std::vector<std::byte>& bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += '\\';
    text += kDigits[std::to_integer<int>(byte) >> 4];
    text += kDigits[std::to_integer<int>(byte) & 15];
  }
  return text;
}

std::vector<std::byte> v0_events() {
  std::ifstream file(KERNEL_PROGRAMS_DIR "/v0_events.bpf.o", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

struct Outcome {
  std::vector<std::int64_t> reported;
  std::vector<std::string> questions;
  std::string log;
};

/// Loads, attaches, writes, reads and polls, each with good and with bad
/// ranges, under a policy that refuses the questions of `refused`.
Outcome run_under(std::set<std::string> refused) {
  const std::vector<std::byte> elf = v0_events();
  const std::string wat = R"((module
    (import "wasm_bpf" "wasm_load_bpf_object"
      (func $load (param i32 i32) (result i64)))
    (import "wasm_bpf" "wasm_attach_bpf_program"
      (func $attach (param i64 i32 i32) (result i32)))
    (import "wasm_bpf" "wasm_bpf_map_fd_by_name"
      (func $map (param i64 i32) (result i32)))
    (import "wasm_bpf" "wasm_bpf_map_operate"
      (func $operate (param i32 i32 i32 i32 i32 i64) (result i32)))
    (import "wasm_bpf" "wasm_bpf_buffer_poll"
      (func $poll (param i64 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "test" "report" (func $report (param i32)))
    (table (export "callbacks") 2 funcref)
    (elem (i32.const 1) $on_sample)
    (func $on_sample (param i32 i32 i32) (result i32) (i32.const 0))
    (memory (export "memory") 16)
    (data (i32.const 1024) "hash\00")
    (data (i32.const 1040) "on_syscall\00")
    (data (i32.const 1056) "ring\00")
    (data (i32.const 65536) ")" +
                          escaped(elf) +
                          R"(")
    (func (export "_start") (local $object i64) (local $hash i32)
      (local.set $object (call $load (i32.const 65536) (i32.const )" +
                          std::to_string(elf.size()) + R"()))
      (call $report (i64.ne (local.get $object) (i64.const 0)))
      (local.set $hash (call $map (local.get $object) (i32.const 1024)))
      (call $report (call $operate (local.get $hash) (i32.const 2)
        (i32.const 0x100) (i32.const 0x200) (i32.const 0) (i64.const 0)))
      (call $report (call $operate (local.get $hash) (i32.const 2)
        (i32.const -4) (i32.const -4) (i32.const 0) (i64.const 0)))
      (call $report (call $operate (local.get $hash) (i32.const 1)
        (i32.const 0x100) (i32.const 0x200) (i32.const 0) (i64.const 0)))
      (call $report (call $operate (local.get $hash) (i32.const 1)
        (i32.const -4) (i32.const -4) (i32.const 0) (i64.const 0)))
      (call $report (call $attach (local.get $object) (i32.const 1040)
        (i32.const 0)))
      (call $report (call $poll (local.get $object)
        (call $map (local.get $object) (i32.const 1056)) (i32.const 1)
        (i32.const 0) (i32.const 0x1000) (i32.const 256) (i32.const 0))))))";
  Outcome outcome;
  const auto policy =
      std::make_shared<const RecordingPolicy>(std::move(refused));
  const Logger logger(LogLevel::kTrace, [&](LogLevel, std::string_view text) {
    outcome.log += std::string(text) + "\n";
  });
  static const engine::Engine wasm = *engine::Engine::create();
  const auto module = engine::Module::compile(
      wasm, std::as_bytes(std::span(wat)), nullptr, Logger());
  EXPECT_TRUE(module) << module.error().message();
  const auto interrupt = *Interrupt::create();
  hostapi::KernelSession session({"policy", policy, logger, {}});
  engine::InstanceOptions options;
  options.functions = hostapi::v0_functions(session, {}, module->imports());
  options.functions.push_back(
      {"test",
       "report",
       {{engine::ValueType::kI32}, {}},
       [&](engine::Call&, std::span<const engine::RawValue> args,
           std::span<engine::RawValue>) -> Status {
         outcome.reported.push_back(static_cast<std::int32_t>(args[0]));
         return {};
       }});
  auto instance =
      engine::Instance::create(wasm, *module, std::move(options), *interrupt);
  EXPECT_TRUE(instance) << instance.error().message();
  const auto exit = instance->run();
  EXPECT_TRUE(exit && exit->kind == engine::Exit::Kind::kReturned);
  session.finish();
  outcome.questions = policy->questions;
  return outcome;
}

TEST(Policy, IsAskedBeforeEachAction) {
  REQUIRE_FEATURE("hash");
  const Outcome outcome = run_under({});
  EXPECT_THAT(outcome.reported, ElementsAre(1, 0, -EFAULT, 0, -EFAULT, 0, 0));
  EXPECT_THAT(
      outcome.questions,
      AllOf(Contains(HasSubstr("load ")), Contains("write hash hash").Times(2),
            Contains("read hash hash").Times(4),
            Contains(HasSubstr("attach on_syscall ")),
            Contains("read ring ringbuf")));
}

TEST(Policy, ARefusedLoadNeverReachesTheKernel) {
  const Outcome outcome = run_under({"load"});
  EXPECT_THAT(outcome.reported,
              ElementsAre(0, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF));
  EXPECT_THAT(outcome.questions, ElementsAre(HasSubstr("load ")));
  EXPECT_THAT(outcome.log, HasSubstr("no grant for load"));
}

TEST(Policy, ARefusedWriteIsSaidBeforeABadRange) {
  REQUIRE_FEATURE("hash");
  const Outcome outcome = run_under({"write"});
  // And what was refused was not written: the look-up finds nothing.
  EXPECT_THAT(outcome.reported,
              ElementsAre(1, -EACCES, -EACCES, -ENOENT, -EFAULT, 0, 0));
}

TEST(Policy, ARefusedReadIsSaidBeforeABadRange) {
  REQUIRE_FEATURE("hash");
  const Outcome outcome = run_under({"read"});
  EXPECT_THAT(outcome.reported,
              ElementsAre(1, -EACCES, -EACCES, -EACCES, -EACCES, 0, -EACCES));
}

TEST(Policy, ARefusedAttachmentIsNone) {
  REQUIRE_FEATURE("hash");
  const Outcome outcome = run_under({"attach"});
  EXPECT_THAT(outcome.reported,
              ElementsAre(1, 0, -EFAULT, 0, -EFAULT, -EACCES, 0));
  EXPECT_THAT(outcome.log, HasSubstr("no grant for attach"));
}

}  // namespace
}  // namespace wasmbpf::testing
