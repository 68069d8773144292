#include "engine/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <thread>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Args;
using test::Guest;
using test::hook;
using test::kI32;
using test::kI64;
using test::Results;
using ::testing::HasSubstr;
using ::testing::Not;

Error run_error(Guest& guest) {
  const auto exit = guest.try_run();
  EXPECT_FALSE(exit);
  return exit ? Error(Errc::kInternal, "") : exit.error();
}

// -- entry ------------------------------------------------------------------

TEST(InstanceTest, CallsInitializeThenStart) {
  Guest guest(R"((module
    (import "env" "init" (func $init))
    (import "env" "main" (func $main))
    (func (export "_start") (call $main))
    (func (export "_initialize") (call $init))))");
  std::string order;
  guest.options.functions = {hook("init", [&] { order += "i"; }),
                             hook("main", [&] { order += "m"; })};
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kReturned);
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(order, "im");
}

TEST(InstanceTest, RunsOnce) {
  const Module module = test::compile(R"((module (func (export "_start"))))");
  const auto interrupt = Interrupt::create();
  auto instance = Instance::create(test::engine(), module, {}, **interrupt);
  ASSERT_TRUE(instance);
  EXPECT_TRUE(instance->run());
  EXPECT_EQ(instance->run().error().code(), Errc::kInvalidArgument);
}

TEST(InstanceTest, NeedsAStartOfTheRightType) {
  Guest library(R"((module (func (export "add"))))");
  EXPECT_EQ(run_error(library).code(), Errc::kInvalidModule);
  Guest strange(R"((module (func (export "_start") (param i32))))");
  EXPECT_THAT(run_error(strange).message(), HasSubstr("(i32) -> ()"));
  Guest memory(R"((module (memory (export "_start") 1)))");
  EXPECT_EQ(run_error(memory).code(), Errc::kInvalidModule);
}

TEST(InstanceTest, RefusesSharedMemory) {
  Guest guest(R"((module (memory (export "memory") 1 1 shared)
                         (func (export "_start"))))");
  EXPECT_THAT(run_error(guest).message(), HasSubstr("shared memor"));
}

// -- imports ----------------------------------------------------------------

TEST(InstanceTest, ListsEveryMissingImport) {
  Guest guest(R"((module
    (import "wasm_bpf" "new_call" (func (param i32 i64) (result i32)))
    (import "env" "there" (func))
    (import "env" "memory" (memory 1))
    (import "wasi_unstable" "fd_write" (func))
    (func (export "_start"))))");
  guest.options.functions = {hook("there", [] {})};
  const Error error = run_error(guest);
  EXPECT_EQ(error.code(), Errc::kNotFound);
  EXPECT_THAT(error.message(),
              HasSubstr("\n  wasm_bpf.new_call (i32 i64) -> i32\n"));
  EXPECT_THAT(error.message(), HasSubstr("\n  env.memory (a memory)\n"));
  EXPECT_THAT(error.message(), HasSubstr("build it for preview 1"));
  EXPECT_THAT(error.message(), Not(HasSubstr("there")));
}

TEST(InstanceTest, ShowsBothTypesOfAMismatch) {
  Guest guest(R"((module
    (import "env" "f" (func (param i64)))
    (import "env" "g" (global i32))
    (func (export "_start"))))");
  guest.options.functions = {hook("f", [] {}), hook("g", [] {})};
  const Error error = run_error(guest);
  EXPECT_EQ(error.code(), Errc::kInvalidArgument);
  EXPECT_THAT(error.message(), HasSubstr("env.f: the module wants (i64) -> (), "
                                         "the host offers () -> ()"));
  EXPECT_THAT(error.message(), HasSubstr("env.g: the module wants a global"));
}

TEST(InstanceTest, RefusesTwoFunctionsOfOneName) {
  Guest guest(R"((module (func (export "_start"))))");
  guest.options.functions = {hook("f", [] {}), hook("f", [] {})};
  EXPECT_EQ(run_error(guest).code(), Errc::kInvalidArgument);
}

TEST(InstanceTest, HostFunctionsHaveNumbersOnly) {
  Guest guest(R"((module (func (export "_start"))))");
  guest.options.functions = {hook("f", [] {})};
  guest.options.functions[0].type.params = {ValueType::kReference};
  EXPECT_EQ(run_error(guest).code(), Errc::kInvalidArgument);
}

TEST(InstanceTest, LetsTheEmbedderReplaceAWasiFunction) {
  Guest guest(R"((module
    (import "wasi_snapshot_preview1" "sched_yield" (func $f (result i32)))
    (func (export "_start")
      (if (i32.ne (call $f) (i32.const 77)) (then unreachable)))))");
  guest.options.functions = {{"wasi_snapshot_preview1",
                              "sched_yield",
                              {{}, {kI32}},
                              [](Call&, Args, Results results) -> Status {
                                results[0] = 77;
                                return {};
                              }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

// -- values -----------------------------------------------------------------

TEST(InstanceTest, PassesValuesByTheirBits) {
  Guest guest(R"((module
    (import "env" "f" (func $f (param i32 i64 f32 f64)
                               (result i32 i64 f32 f64)))
    (func (export "_start")
      (call $f (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const -2.5))
      (if (f64.ne (f64.const 0.25)) (then unreachable))
      (if (f32.ne (f32.const -0.5)) (then unreachable))
      (if (i64.ne (i64.const -9)) (then unreachable))
      (if (i32.ne (i32.const -8)) (then unreachable)))))");
  using V = ValueType;
  const std::vector<V> all{V::kI32, V::kI64, V::kF32, V::kF64};
  guest.options.functions = {
      {"env", "f", {all, all}, [](Call&, Args args, Results results) -> Status {
         EXPECT_EQ(args[0], 0xffff'ffffu);
         EXPECT_EQ(args[1], static_cast<RawValue>(-2));
         EXPECT_EQ(args[2], std::bit_cast<std::uint32_t>(1.5f));
         EXPECT_EQ(args[3], std::bit_cast<std::uint64_t>(-2.5));
         results[0] = static_cast<std::uint32_t>(-8);
         results[1] = static_cast<RawValue>(-9);
         results[2] = std::bit_cast<std::uint32_t>(-0.5f);
         results[3] = std::bit_cast<std::uint64_t>(0.25);
         return {};
       }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

TEST(InstanceTest, PassesMoreValuesThanFitWithoutAllocation) {
  std::string params;
  std::string consts;
  for (int i = 0; i < 40; ++i) {
    params += " i32";
    consts += " (i32.const " + std::to_string(i) + ")";
  }
  Guest guest("(module (import \"env\" \"f\" (func $f (param" + params +
              "))) (func (export \"_start\") (call $f" + consts + ")))");
  guest.options.functions = {{"env",
                              "f",
                              {std::vector<ValueType>(40, kI32), {}},
                              [](Call&, Args args, Results) -> Status {
                                for (std::size_t i = 0; i < 40; ++i) {
                                  EXPECT_EQ(args[i], i);
                                }
                                return {};
                              }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

TEST(InstanceTest, UsesTheMemoryNamedMemory) {
  Guest guest(R"((module
    (import "env" "f" (func $f))
    (memory $a (export "scratch") 1)
    (memory $b (export "memory") 2)
    (func (export "_start") (call $f))))");
  guest.options.functions = {
      {"env", "f", {}, [](Call& call, Args, Results) -> Status {
         EXPECT_EQ(call.memory().size_bytes(), 131072u);
         return {};
       }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

TEST(InstanceTest, GuestsWithoutMemoryHaveAnEmptyOne) {
  Guest guest(R"((module
    (import "env" "f" (func $f))
    (memory 1)
    (func (export "_start") (call $f))))");
  guest.options.functions = {
      {"env", "f", {}, [](Call& call, Args, Results) -> Status {
         EXPECT_EQ(call.memory().size_bytes(), 0u);
         EXPECT_FALSE(call.memory().slice({0, 1}));
         return {};
       }}};
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

TEST(InstanceTest, TablesHaveALimit) {
  Guest large(R"((module (table 4000001 funcref) (func (export "_start"))))");
  EXPECT_THAT(run_error(large).message(), HasSubstr("table"));
  Guest growing(R"((module
    (table 1 funcref)
    (func (export "_start")
      (if (i32.ne (table.grow (ref.null func) (i32.const 0x7fffffff))
                  (i32.const -1))
        (then unreachable)))))");
  EXPECT_EQ(growing.run().kind, Exit::Kind::kReturned);
}

// -- ends -------------------------------------------------------------------

TEST(InstanceTest, AHostErrorEndsTheGuest) {
  Guest guest(R"((module
    (import "env" "f" (func $f))
    (func $caller (export "_start") (call $f) unreachable)))");
  guest.options.functions = {
      {"env", "f", {}, [](Call&, Args, Results) -> Status {
         return Error(Errc::kPolicy, "not allowed; grant it with --allow x");
       }}};
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kHostError);
  ASSERT_TRUE(exit.error);
  EXPECT_EQ(exit.error->code(), Errc::kPolicy);
  EXPECT_EQ(exit.message, "not allowed; grant it with --allow x");
  EXPECT_EQ(exit.backtrace.at(0).function, "caller");
}

TEST(InstanceTest, AHostFunctionCanExit) {
  Guest guest(R"((module
    (import "env" "f" (func $f))
    (func (export "_start") (call $f) unreachable)))");
  guest.options.functions = {
      {"env", "f", {}, [](Call& call, Args, Results) -> Status {
         return call.exit(200);
       }}};
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kExited);
  EXPECT_EQ(exit.code, 200);
}

TEST(InstanceTest, TheModulesStartFunctionMayTrapOrExit) {
  Guest trap(R"((module (func $early unreachable) (start $early)
                        (func (export "_start"))))");
  const Exit exit = trap.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_EQ(exit.backtrace.at(0).function, "early");

  Guest leave(R"((module (import "env" "f" (func $f)) (start $f)
                         (func (export "_start") unreachable)))");
  leave.options.functions = {
      {"env", "f", {}, [](Call& call, Args, Results) -> Status {
         return call.exit(3);
       }}};
  EXPECT_EQ(leave.run().code, 3);
}

TEST(InstanceTest, FreesItsHostFunctions) {
  const auto token = std::make_shared<int>(0);
  {
    Guest guest(R"((module (func (export "_start"))))");
    guest.options.functions = {hook("f", [token] {})};
    EXPECT_EQ(token.use_count(), 2);
    guest.run();
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(InstanceTest, SeveralRunAtOnce) {
  const Module module = test::compile(R"((module
    (import "env" "add" (func $add (param i32)))
    (memory (export "memory") 1)
    (global $i (mut i32) (i32.const 0))
    (func (export "_start")
      (loop $more
        (i32.store (i32.const 8)
                   (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (global.set $i (i32.add (global.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (global.get $i) (i32.const 10000))))
      (call $add (i32.load (i32.const 8))))))");
  std::atomic<RawValue> sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Guest guest("(module)");
      guest.module = module;
      guest.options.functions = {{"env",
                                  "add",
                                  {{kI32}, {}},
                                  [&](Call&, Args args, Results) -> Status {
                                    sum += args[0];
                                    return {};
                                  }}};
      EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(sum, 40000u);
}

}  // namespace
}  // namespace wasmbpf::engine
