#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Args;
using test::Guest;
using test::kI32;
using test::Results;
using ::testing::HasSubstr;

const FunctionType kCallback{{kI32, kI32}, {kI32}};

/// "env" `name`, which gets an i32 and answers one.
HostFunction one_to_one(std::string name,
                        std::function<Result<RawValue>(Call&, RawValue)> f) {
  return {"env",
          std::move(name),
          {{kI32}, {kI32}},
          [f = std::move(f)](Call& call, Args args, Results out) -> Status {
            WASMBPF_TRY_ASSIGN(out[0], f(call, args[0]));
            return {};
          }};
}

/// A guest with callbacks; `_start` calls "poll" with each index in turn, and
/// tells "seen" what it answered.
constexpr std::string_view kGuest = R"((module
  (import "env" "poll" (func $poll (param i32) (result i32)))
  (import "env" "seen" (func $seen (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "anything") 8 funcref)
  (elem (i32.const 1) $add $wrong $traps $loops $grows)
  (func $add (param i32 i32) (result i32)
    (i32.sub (local.get 0) (local.get 1)))
  (func $wrong (param i64) (result i32) (i32.const 0))
  (func $traps (param i32 i32) (result i32) (call $deep))
  (func $deep (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func $loops (param i32 i32) (result i32) (loop $l (br $l)) unreachable)
  (func $grows (param i32 i32) (result i32) (memory.grow (i32.const 3)))
  (func $twice (export "twice") (param i32 i32) (result i32)
    (i32.mul (local.get 0) (i32.const 2)))
  (global $index (export "index") (mut i32) (i32.const 0))
  (func $main (export "_start")
    (drop (call $seen (call $poll (global.get $index))))
    (global.set $index (i32.add (global.get $index) (i32.const 1)))
    (if (i32.lt_u (global.get $index) (i32.const 1)) (then unreachable))))
)";

class CallbackTest : public ::testing::Test {
 protected:
  /// Runs the guest; `poll` is called once.
  Exit run(std::function<Result<RawValue>(Call&)> poll,
           std::string_view wat = kGuest) {
    Guest guest(wat);
    interrupt_ = guest.interrupt.get();
    guest.options.functions = {
        one_to_one("poll", [poll](Call& call, RawValue) { return poll(call); }),
        one_to_one("seen", [this](Call&, RawValue value) -> Result<RawValue> {
          seen_.push_back(static_cast<std::int32_t>(value));
          return RawValue{0};
        })};
    return guest.run();
  }

  static Result<RawValue> call_entry(Call& call, std::uint32_t index) {
    WASMBPF_TRY_ASSIGN(const auto function,
                       call.find_in_table(index, kCallback));
    const std::array<RawValue, 2> args{3, 5};
    WASMBPF_TRY_ASSIGN(const auto values, call.call(function, args));
    EXPECT_EQ(values.size(), 1u);
    return values[0];
  }

  std::vector<std::int32_t> seen_;
  Interrupt* interrupt_ = nullptr;
};

TEST_F(CallbackTest, CallsAnEntryOfTheTable) {
  EXPECT_EQ(run([](Call& call) { return call_entry(call, 1); }).kind,
            Exit::Kind::kReturned);
  EXPECT_THAT(seen_, ::testing::ElementsAre(-2));
}

TEST_F(CallbackTest, CallsOneFunctionManyTimes) {
  run([](Call& call) -> Result<RawValue> {
    WASMBPF_TRY_ASSIGN(const auto function, call.find_in_table(1, kCallback));
    RawValue sum = 0;
    for (RawValue i = 0; i < 1000; ++i) {
      const std::array<RawValue, 2> args{i, 0};
      WASMBPF_TRY_ASSIGN(const auto values, call.call(function, args));
      sum += values[0];
    }
    return sum;
  });
  EXPECT_THAT(seen_, ::testing::ElementsAre(499500));
}

TEST_F(CallbackTest, CallsAnExport) {
  run([](Call& call) -> Result<RawValue> {
    WASMBPF_TRY_ASSIGN(const auto function,
                       call.find_export("twice", kCallback));
    const std::array<RawValue, 2> args{21, 0};
    WASMBPF_TRY_ASSIGN(const auto values, call.call(function, args));
    return values[0];
  });
  EXPECT_THAT(seen_, ::testing::ElementsAre(42));
}

TEST_F(CallbackTest, TellsBadEntriesApart) {
  run([](Call& call) -> Result<RawValue> {
    const auto error = [&](std::uint32_t index) {
      return call.find_in_table(index, kCallback).error();
    };
    EXPECT_EQ(error(0).code(), Errc::kNotFound);
    EXPECT_THAT(error(0).message(), HasSubstr("null"));
    EXPECT_EQ(error(8).code(), Errc::kNotFound);
    EXPECT_THAT(error(8).message(), HasSubstr("outside"));
    EXPECT_EQ(error(0xffff'ffff).code(), Errc::kNotFound);
    EXPECT_EQ(error(2).code(), Errc::kInvalidArgument);
    EXPECT_THAT(error(2).message(),
                HasSubstr("type (i64) -> i32, not (i32 i32) -> i32"));
    EXPECT_EQ(call.find_export("nothing", kCallback).error().code(),
              Errc::kNotFound);
    EXPECT_EQ(call.find_export("memory", kCallback).error().code(),
              Errc::kNotFound);
    EXPECT_EQ(call.find_export("_start", kCallback).error().code(),
              Errc::kInvalidArgument);
    return RawValue{0};
  });
}

TEST_F(CallbackTest, TellsThatThereIsNoTable) {
  constexpr std::string_view kNoTable = R"((module
    (import "env" "poll" (func $poll (param i32) (result i32)))
    (table 1 funcref)
    (func (export "_start") (drop (call $poll (i32.const 0))))))";
  run(
      [](Call& call) -> Result<RawValue> {
        const auto found = call.find_in_table(0, kCallback);
        EXPECT_EQ(found.error().code(), Errc::kNotFound);
        EXPECT_THAT(found.error().message(), HasSubstr("--export-table"));
        return RawValue{0};
      },
      kNoTable);
}

TEST_F(CallbackTest, PrefersTheUsualTable) {
  constexpr std::string_view kTwoTables = R"((module
    (import "env" "poll" (func $poll (param i32) (result i32)))
    (table $a (export "other") 1 funcref)
    (table $b (export "__indirect_function_table") 2 funcref)
    (elem (table $b) (i32.const 1) func $f)
    (func $f (param i32 i32) (result i32) (i32.const 11))
    (func (export "_start") (drop (call $poll (i32.const 0))))))";
  run(
      [](Call& call) -> Result<RawValue> {
        EXPECT_EQ(*call_entry(call, 1), 11u);
        return RawValue{0};
      },
      kTwoTables);
}

TEST_F(CallbackTest, MemoryGrowsInsideACallback) {
  run([](Call& call) -> Result<RawValue> {
    EXPECT_EQ(call.memory().size_bytes(), 65536u);
    const auto* const base = (*call.memory().slice({0, 1})).data();
    WASMBPF_TRY(call_entry(call, 5));
    EXPECT_EQ(call.memory().size_bytes(), 4 * 65536u);
    EXPECT_EQ((*call.memory().slice({4 * 65536 - 1, 1})).data(),
              base + 4 * 65536 - 1);
    return RawValue{0};
  });
}

// -- a callback that does not return ----------------------------------------

TEST_F(CallbackTest, ATrapTravelsThroughTheHost) {
  const Exit exit = run([](Call& call) { return call_entry(call, 3); });
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("divided by zero"));
  std::vector<std::string> names;
  for (const Frame& frame : exit.backtrace) {
    names.push_back(frame.function);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("deep", "traps", "main"));
  EXPECT_THAT(seen_, ::testing::IsEmpty());
}

TEST_F(CallbackTest, ATrapIsFinalEvenIfTheHostIgnoresIt) {
  const Exit exit = run([](Call& call) -> Result<RawValue> {
    EXPECT_EQ(call_entry(call, 3).error().code(), Errc::kTrap);
    EXPECT_EQ(call_entry(call, 1).error().code(), Errc::kTrap);
    return RawValue{0};
  });
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("divided by zero"));
  EXPECT_THAT(seen_, ::testing::IsEmpty());
}

TEST_F(CallbackTest, TheFirstReasonCounts) {
  const Exit exit = run([](Call& call) -> Result<RawValue> {
    EXPECT_FALSE(call_entry(call, 3));
    return Error(Errc::kBusy, "a later error of the host");
  });
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
}

TEST_F(CallbackTest, AWrongNumberOfArgumentsIsTheHostsMistake) {
  run([](Call& call) -> Result<RawValue> {
    WASMBPF_TRY_ASSIGN(const auto function, call.find_in_table(1, kCallback));
    EXPECT_EQ(call.call(function, {}).error().code(), Errc::kInternal);
    EXPECT_EQ(call.call(GuestFunction(), {}).error().code(), Errc::kInternal);
    return RawValue{0};
  });
  EXPECT_THAT(seen_, ::testing::ElementsAre(0));
}

TEST_F(CallbackTest, RefusesTypesItCannotCall) {
  run([](Call& call) -> Result<RawValue> {
    const FunctionType many{std::vector<ValueType>(9, kI32), {}};
    EXPECT_EQ(call.find_in_table(1, many).error().code(), Errc::kUnsupported);
    const FunctionType vector{{ValueType::kV128}, {}};
    EXPECT_EQ(call.find_in_table(1, vector).error().code(), Errc::kUnsupported);
    return RawValue{0};
  });
}

// The guest's stack and the host's are one: overflow is a trap at any depth.
TEST_F(CallbackTest, EndlessRecursionInACallbackIsATrap) {
  constexpr std::string_view kRecursion = R"((module
    (import "env" "poll" (func $poll (param i32) (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 1) $callback)
    (global $level (mut i32) (i32.const 0))
    (func $forever (call $forever))
    (func $callback (param i32 i32) (result i32)
      (global.set $level (i32.add (global.get $level) (i32.const 1)))
      (if (i32.eq (global.get $level) (i32.const 20)) (then (call $forever)))
      (call $poll (i32.const 0)))
    (func (export "_start") (drop (call $poll (i32.const 0))))))";
  int depth = 0;
  const Exit exit = run(
      [&](Call& call) {
        ++depth;
        return call_entry(call, 1);
      },
      kRecursion);
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("used up its stack"));
  EXPECT_EQ(exit.backtrace.at(0).function, "forever");
  EXPECT_EQ(depth, 20);
}

TEST_F(CallbackTest, EndlessNestingEndsInATrap) {
  constexpr std::string_view kNesting = R"((module
    (import "env" "poll" (func $poll (param i32) (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 1) $again)
    (func $again (param i32 i32) (result i32) (call $poll (i32.const 0)))
    (func (export "_start") (drop (call $poll (i32.const 0))))))";
  int depth = 0;
  const Exit exit = run(
      [&](Call& call) {
        ++depth;
        return call_entry(call, 1);
      },
      kNesting);
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("nest too deeply"));
  EXPECT_GT(depth, 10);
}

// The same with the table's entry being the host function itself.
TEST_F(CallbackTest, AHostFunctionInTheTableCannotNestForEver) {
  Guest guest(R"((module
    (import "env" "self" (func $self (param i32 i32) (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 1) $self)
    (func (export "_start")
      (drop (call $self (i32.const 0) (i32.const 0))))))");
  guest.options.functions = {
      {"env", "self", kCallback, [](Call& call, Args, Results out) -> Status {
         WASMBPF_TRY_ASSIGN(out[0], call_entry(call, 1));
         return {};
       }}};
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("nest too deeply"));
}

}  // namespace
}  // namespace wasmbpf::engine
