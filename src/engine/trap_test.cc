#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Guest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names(const Exit& exit) {
  std::vector<std::string> names;
  for (const Frame& frame : exit.backtrace) {
    names.push_back(frame.function);
  }
  return names;
}

struct TrapCase {
  const char* name;
  const char* body;
  const char* message;
};

class TrapTest : public ::testing::TestWithParam<TrapCase> {};

TEST_P(TrapTest, SaysWhatHappenedAndWhere) {
  Guest guest(std::string(R"((module
      (memory (export "memory") 1)
      (type $plain (func))
      (type $other (func (param i32)))
      (table 2 funcref)
      (elem (i32.const 0) $inner)
      (func $inner )") +
              GetParam().body + R"()
      (func $outer (export "_start") (call $inner))))");
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr(GetParam().message));
  EXPECT_THAT(exit.message, ::testing::Not(HasSubstr("\n")));
  const auto functions = names(exit);
  ASSERT_GE(functions.size(), 2u);
  EXPECT_EQ(functions[0], "inner");
  // (A frame without room for itself has no address yet.)
  EXPECT_GT(exit.backtrace[1].module_offset, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, TrapTest,
    ::testing::Values(
        TrapCase{"Unreachable", "unreachable", "aborted"},
        TrapCase{"LoadOutside", "(drop (i32.load (i32.const -4)))",
                 "outside its linear memory (address 0xfffffffc, it has "
                 "0x10000 bytes)"},
        TrapCase{"StoreAtTheEnd", "(i32.store (i32.const 65533) (i32.const 1))",
                 "outside its linear memory"},
        TrapCase{"CopyOutside",
                 "(memory.copy (i32.const 0) (i32.const 1) (i32.const 65536))",
                 "outside its linear memory"},
        TrapCase{"DivideByZero",
                 "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
                 "divided by zero"},
        TrapCase{"DivisionOverflow",
                 "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
                 "overflowed an integer"},
        TrapCase{"NotANumber", "(drop (i32.trunc_f32_s (f32.const nan)))",
                 "NaN"},
        TrapCase{"NullCall", "(call_indirect (type $plain) (i32.const 1))",
                 "null function pointer"},
        TrapCase{"CallOutside", "(call_indirect (type $plain) (i32.const 2))",
                 "outside its function table"},
        TrapCase{"CallOfAnotherType",
                 "(call_indirect (type $other) (i32.const 1) (i32.const 0))",
                 "of another type"},
        TrapCase{"EndlessRecursion", "(call $inner)", "used up its stack"},
        TrapCase{"UnalignedAtomic", "(drop (i32.atomic.load (i32.const 1)))",
                 "unaligned"},
        TrapCase{"AtomicWait",
                 "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) "
                 "(i64.const -1)))",
                 "no other thread"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(TrapTest, ReadsMangledNames) {
  Guest guest(R"((module
    (func $_ZN4core9panicking5panic17h0123456789abcdefE unreachable)
    (func $_Z3fooi (call $_ZN4core9panicking5panic17h0123456789abcdefE))
    (func $plain (export "_start") (call $_Z3fooi))))");
  EXPECT_THAT(
      names(guest.run()),
      ::testing::ElementsAre("core::panicking::panic", "foo(int)", "plain"));
}

TEST(TrapTest, NumbersFunctionsWithoutNames) {
  Guest guest(R"((module (func) (func (export "_start") unreachable)))");
  const Exit exit = guest.run();
  EXPECT_THAT(names(exit), ::testing::ElementsAre(""));
  EXPECT_EQ(exit.backtrace.at(0).function_index, 1u);
}

TEST(TrapTest, NamesAreFitToBeShown) {
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) {
    umlauts += "ö";
  }
  Guest guest("(module (func $\"\\1b[2J\\n\" unreachable) (func $\"" + umlauts +
              "\" (export \"_start\") (call 0)))");
  const auto shown = names(guest.run());
  EXPECT_EQ(shown.at(0), "?[2J?");
  ASSERT_GT(shown.at(1).size(), 400u);
  ASSERT_LT(shown.at(1).size(), 600u);
  EXPECT_EQ(shown.at(1), umlauts.substr(0, shown.at(1).size()));
  EXPECT_EQ(shown.at(1).size() % 2, 1u);  // whole characters only
}

/// A C++ name that refers back to itself level for level: a few hundred bytes
/// that stand for more than there are atoms.
std::string exploding_name() {
  constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string name = "_Z1f1AIiE";
  int current = 1;
  int next = 2;
  for (char level = 'a'; level < 'i'; ++level) {
    name += std::string("1") + level + "I";
    for (int i = 0; i < 30; ++i) {
      name += std::string("S") + kDigits[current - 1] + "_";
    }
    name += "E";
    ++next;
    current = next++;
  }
  return name;
}

TEST(TrapTest, ANameThatExplodesIsCut) {
  const std::string name = exploding_name();
  Guest guest("(module (func $" + name +
              " unreachable) (export \"_start\" "
              "(func $" +
              name + ")))");
  const auto shown = names(guest.run());
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_LE(shown[0].size(), 512u);
  EXPECT_THAT(shown[0], HasSubstr("A<int>"));
}

TEST(TrapTest, NamesThatOnlyLookMangledStay) {
  Guest guest(R"((module (func $_Z1fT_ unreachable)
    (func $_Z3fooIiEDTT1_E (export "_start") (call $_Z1fT_))))");
  EXPECT_THAT(names(guest.run()),
              ::testing::ElementsAre("_Z1fT_", "_Z3fooIiEDTT1_E"));
}

TEST(TrapTest, NamesOfCFunctionsAreNoTypes) {
  Guest guest(R"((module (func $f unreachable)
                         (func $s (export "_start") (call $f))))");
  EXPECT_THAT(names(guest.run()), ::testing::ElementsAre("f", "s"));
}

TEST(TrapTest, DataOutsideTheMemoryIsATrap) {
  Guest guest(R"((module (memory 1) (data (i32.const 65536) "x")
                         (func (export "_start"))))");
  const Exit exit = guest.run();
  EXPECT_EQ(exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(exit.message, HasSubstr("outside its linear memory"));
  EXPECT_THAT(exit.backtrace, IsEmpty());
}

// A guest at the end of its stack calls the host function that needs the most.
TEST(TrapTest, HostFunctionsHaveRoomBelowADeepGuest) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 2 << 20), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void*) -> void* {
                  Guest guest(R"((module
                    (import "wasi_snapshot_preview1" "fd_write"
                      (func $write (param i32 i32 i32 i32) (result i32)))
                    (memory (export "memory") 1)
                    (func $deeper (export "_start")
                      (drop (call $write (i32.const 1) (i32.const 0)
                                         (i32.const 0) (i32.const 0)))
                      (call $deeper))))");
                  EXPECT_THAT(guest.run().message,
                              HasSubstr("used up its stack"));
                  return nullptr;
                },
                nullptr),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace wasmbpf::engine
