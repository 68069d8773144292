#include "engine/wasi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <latch>
#include <thread>

#include "engine/wasi_test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Errno;
using test::Guest;
using test::Pipe;
using test::WasiGuest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint32_t kMemoryEnd = 65536;
constexpr std::uint64_t kMinusOne = 0xffff'ffff;

// -- arguments and environment ----------------------------------------------

TEST(WasiTest, PassesArgumentsAndEnvironment) {
  WasiGuest guest;
  guest.options.args = {"tool", "--größe", ""};
  guest.options.environment = {{"KEY", "value"}};
  guest.run({{"args_sizes_get", {0, 4}},
             {"args_get", {16, 64}},
             {"environ_sizes_get", {8, 12}},
             {"environ_get", {32, 128}}});
  EXPECT_EQ(guest.get<std::uint32_t>(0), 3u);
  EXPECT_EQ(guest.get_text(64, 16), std::string("tool\0--größe\0\0\0", 16));
  EXPECT_EQ(guest.get<std::uint32_t>(8), 1u);
  EXPECT_EQ(guest.get_text(128, 10), std::string("KEY=value\0", 10));
}

TEST(WasiTest, TheEnvironmentIsEmptyUnlessGiven) {
  WasiGuest guest;
  guest.call("environ_sizes_get", {0, 4});
  EXPECT_EQ(guest.get<std::uint32_t>(0), 0u);
}

TEST(WasiTest, RefusesTextThatGuestsCannotHave) {
  const auto code = [](InstanceOptions options) {
    Guest guest(R"((module
      (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
      (func (export "_start"))))");
    guest.options = std::move(options);
    const auto exit = guest.try_run();
    return exit ? std::optional<Errc>() : exit.error().code();
  };
  EXPECT_EQ(code({}), std::nullopt);
  for (const std::string& bad : {std::string("\xff"), std::string("a\0b", 3)}) {
    InstanceOptions options;
    options.args = {"tool", bad};
    EXPECT_EQ(code(options), Errc::kInvalidArgument);
    options.args.clear();
    options.environment = {{"A", bad}};
    EXPECT_EQ(code(options), Errc::kInvalidArgument);
    options.environment = {{bad, "b"}};
    EXPECT_EQ(code(options), Errc::kInvalidArgument);
  }
}

// -- exit -------------------------------------------------------------------

TEST(WasiTest, PassesEveryExitCodeOn) {
  for (const int code : {0, 3, 125, 126, 130, 255, -1}) {
    WasiGuest guest;
    guest.run({{"proc_exit", {static_cast<std::uint32_t>(code)}}});
    EXPECT_EQ(guest.exit.kind, Exit::Kind::kExited);
    EXPECT_EQ(guest.exit.code, code);
  }
}

// -- a guest without memory -------------------------------------------------

TEST(WasiTest, AGuestWithoutMemoryGetsEfault) {
  WasiGuest guest;
  guest.has_memory = false;
  guest.options.stdout_to = [](auto) { ADD_FAILURE(); };
  guest.run({{"fd_write", {1, 0, 1, 0}},
             {"fd_read", {0, 0, 1, 0}},
             {"poll_oneoff", {0, 0, 1, 0}},
             {"fd_fdstat_get", {1, 0}},
             {"clock_time_get", {0, 0, 0}}});
  EXPECT_THAT(guest.answers, ::testing::Each(Errno::kFault));
  EXPECT_EQ(guest.answers.size(), 5u);
}

TEST(WasiTest, TheEnginesOwnFunctionsTrapWithoutMemory) {
  WasiGuest guest;
  guest.has_memory = false;
  guest.call("random_get", {0, 8});
  EXPECT_EQ(guest.exit.kind, Exit::Kind::kTrapped);
  EXPECT_THAT(guest.exit.message, HasSubstr("memory"));
}

// -- descriptors ------------------------------------------------------------

TEST(WasiTest, ThereAreThreeDescriptors) {
  WasiGuest guest;
  for (const std::uint64_t fd : {std::uint64_t{3}, kMinusOne}) {
    guest.run({{"fd_write", {fd, 0, 0, 0}},
               {"fd_read", {fd, 0, 0, 0}},
               {"fd_fdstat_get", {fd, 0}},
               {"fd_fdstat_set_flags", {fd, 0}},
               {"fd_filestat_get", {fd, 0}},
               {"fd_seek", {fd, 0, 0, 0}},
               {"fd_renumber", {fd, 1}},
               {"fd_renumber", {1, fd}},
               {"fd_close", {fd}},
               {"fd_prestat_get", {fd, 0}}});
    EXPECT_THAT(guest.answers, ::testing::Each(Errno::kBadf));
  }
  guest.run({{"fd_write", {0, 0, 0, 0}}, {"fd_read", {1, 0, 0, 0}}});
  EXPECT_THAT(guest.answers, ::testing::Each(Errno::kBadf));
}

TEST(WasiTest, ClosedDescriptorsAreGoneForTheGuestOnly) {
  const Pipe pipe;
  WasiGuest guest;
  guest.options.stdout_to = pipe.writer.get();
  guest.run({{"fd_close", {1}},
             {"fd_close", {1}},
             {"fd_write", {1, 0, 0, 0}},
             {"fd_fdstat_get", {1, 0}}});
  EXPECT_THAT(guest.answers, ElementsAre(Errno::kSuccess, Errno::kBadf,
                                         Errno::kBadf, Errno::kBadf));
  EXPECT_EQ(write(pipe.writer.get(), "x", 1), 1);
}

TEST(WasiTest, StdioCannotBeSoughtOrRenumbered) {
  WasiGuest guest;
  guest.run({{"fd_seek", {1, 0, 1, 0}}, {"fd_renumber", {1, 2}}});
  EXPECT_THAT(guest.answers, ElementsAre(Errno::kSpipe, Errno::kNotsup));
}

std::uint8_t filetype_of_stdout(int fd) {
  WasiGuest guest;
  guest.options.stdout_to = fd;
  guest.run({{"fd_fdstat_get", {1, 0}}, {"fd_filestat_get", {1, 64}}});
  EXPECT_EQ(guest.answers.back(), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(8) & wasi_abi::kRightSeek, 0u);
  EXPECT_NE(guest.get<std::uint64_t>(8) & wasi_abi::kRightWrite, 0u);
  EXPECT_EQ(guest.get<std::uint8_t>(0), guest.get<std::uint8_t>(64 + 16));
  return guest.get<std::uint8_t>(0);
}

TEST(WasiTest, OnlyTerminalsAreCharacterDevices) {
  const UniqueFd main_end(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(main_end);
  ASSERT_EQ(grantpt(main_end.get()), 0);
  ASSERT_EQ(unlockpt(main_end.get()), 0);
  const UniqueFd terminal(
      open(ptsname(main_end.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  EXPECT_EQ(filetype_of_stdout(terminal.get()), wasi_abi::kCharacterDevice);

  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(filetype_of_stdout(null.get()), wasi_abi::kUnknown);
  const Pipe pipe;
  EXPECT_EQ(filetype_of_stdout(pipe.writer.get()), wasi_abi::kUnknown);
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(filetype_of_stdout(file.get()), wasi_abi::kRegularFile);
}

TEST(WasiTest, FlagsCanBeSetAndRead) {
  WasiGuest guest;
  guest.run({{"fd_fdstat_set_flags", {0, wasi_abi::kFlagNonblock}},
             {"fd_fdstat_get", {0, 0}}});
  EXPECT_EQ(guest.get<std::uint16_t>(2), wasi_abi::kFlagNonblock);
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", {0, 1}), Errno::kNotsup);
}

// -- stdin ------------------------------------------------------------------

TEST(WasiReadTest, NoStdinIsAtItsEnd) {
  WasiGuest guest;
  guest.put_iovecs(0, {{100, 10}});
  guest.put(16, std::uint32_t{77});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 1, 16}), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(16), 0u);
}

TEST(WasiReadTest, FillsTheBuffersInOrder) {
  const Pipe pipe;
  ASSERT_EQ(write(pipe.writer.get(), "abcdef", 6), 6);
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 2}, {0, 0}, {200, 10}});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 3, 32}), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(32), 6u);
  EXPECT_EQ(guest.get_text(100, 2), "ab");
  EXPECT_EQ(guest.get_text(200, 4), "cdef");
}

TEST(WasiReadTest, ManyEmptyBuffersAreNoEndOfFile) {
  const Pipe pipe;
  ASSERT_EQ(write(pipe.writer.get(), "abc", 3), 3);
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(
      0, std::vector<std::pair<std::uint32_t, std::uint32_t>>(40, {0, 0}));
  guest.put_iovecs(40 * 8, {{1000, 10}});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 41, 900}), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(900), 3u);
}

TEST(WasiReadTest, SeesTheEndOfAPipe) {
  Pipe pipe;
  pipe.writer.reset();
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 10}});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 1, 32}), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(32), 0u);
}

TEST(WasiReadTest, EmptyBuffersDoNotWait) {
  const Pipe pipe;
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 0}});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 1, 32}), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_read", {0, 0, 0, 32}), Errno::kSuccess);
}

TEST(WasiReadTest, AnInterruptEndsItWithEintr) {
  const Pipe pipe;
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 10}});
  std::latch ready(1);
  guest.before_calls = [&] { ready.count_down(); };
  Interrupt& interrupt = *guest.interrupt;
  std::thread user([&] {
    ready.wait();
    interrupt.interrupt();
  });
  EXPECT_EQ(guest.call("fd_read", {0, 0, 1, 32}), Errno::kIntr);
  user.join();
  EXPECT_EQ(guest.exit.kind, Exit::Kind::kReturned);
}

TEST(WasiReadTest, AStopEndsTheGuest) {
  const Pipe pipe;
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 10}});
  std::latch ready(1);
  guest.before_calls = [&] { ready.count_down(); };
  Interrupt& interrupt = *guest.interrupt;
  std::thread user([&] {
    ready.wait();
    interrupt.request_stop();
  });
  guest.call("fd_read", {0, 0, 1, 32});
  user.join();
  EXPECT_EQ(guest.exit.kind, Exit::Kind::kStopped);
  EXPECT_TRUE(guest.answers.empty());
}

TEST(WasiReadTest, NonblockingStdinAnswersEagain) {
  const Pipe pipe;
  WasiGuest guest;
  guest.options.stdin_fd = pipe.reader.get();
  guest.put_iovecs(0, {{100, 10}});
  EXPECT_EQ(guest.run({{"fd_fdstat_set_flags", {0, wasi_abi::kFlagNonblock}},
                       {"fd_read", {0, 0, 1, 32}}}),
            Errno::kAgain);
}

TEST(WasiReadTest, ErrorsOfTheHostAreTold) {
  const UniqueFd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  WasiGuest guest;
  guest.options.stdin_fd = directory.get();
  guest.put_iovecs(0, {{100, 10}});
  EXPECT_EQ(guest.call("fd_read", {0, 0, 1, 32}), Errno::kIsdir);
}

// -- hostile buffers, for both directions -----------------------------------

class WasiBufferTest : public ::testing::TestWithParam<const char*> {
 protected:
  WasiBufferTest() {
    EXPECT_EQ(write(pipe_.writer.get(), "input", 5), 5);
    guest_.options.stdin_fd = pipe_.reader.get();
    guest_.options.stdout_to = [this](auto) { written_ = true; };
  }

  Errno call(std::uint64_t iovecs, std::uint64_t count, std::uint64_t out) {
    const std::uint64_t fd = std::string_view(GetParam()) == "fd_read" ? 0 : 1;
    return guest_.call(GetParam(), {fd, iovecs, count, out});
  }

  Pipe pipe_;
  WasiGuest guest_;
  bool written_ = false;
};

TEST_P(WasiBufferTest, AreCheckedBeforeAnythingHappens) {
  guest_.put_iovecs(0, {{kMemoryEnd - 4, 4},
                        {kMemoryEnd - 4, 5},
                        {0xffff'ffff, 1},
                        {1, 0xffff'ffff},
                        {0xffff'ffff, 0xffff'ffff}});
  EXPECT_EQ(call(8, 1, 64), Errno::kFault);
  EXPECT_EQ(call(16, 1, 64), Errno::kFault);
  EXPECT_EQ(call(24, 1, 64), Errno::kFault);
  EXPECT_EQ(call(32, 1, 64), Errno::kFault);
  EXPECT_EQ(call(0, 2, 64), Errno::kFault);  // the first alone is fine
  EXPECT_EQ(call(0, 1, kMemoryEnd - 3), Errno::kFault);
  EXPECT_EQ(call(0, 1, kMinusOne), Errno::kFault);
  EXPECT_EQ(call(kMinusOne, 1, 64), Errno::kFault);
  EXPECT_EQ(call(kMemoryEnd - 7, 1, 64), Errno::kFault);
  EXPECT_EQ(call(kMemoryEnd - 8, 2, 64), Errno::kFault);
  EXPECT_EQ(call(0, kMinusOne, 64), Errno::kInval);
  EXPECT_EQ(call(0, 1025, 64), Errno::kInval);
  EXPECT_FALSE(written_);
  EXPECT_EQ(call(0, 1, 64), Errno::kSuccess);
  EXPECT_EQ(guest_.get<std::uint32_t>(64), 4u);
}

INSTANTIATE_TEST_SUITE_P(Both, WasiBufferTest,
                         ::testing::Values("fd_read", "fd_write"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

// -- clocks -----------------------------------------------------------------

TEST(WasiClockTest, MonotonicTimeIsTheKernels) {
  timespec before{};
  clock_gettime(CLOCK_MONOTONIC, &before);
  WasiGuest guest;
  EXPECT_EQ(guest.call("clock_time_get", {1, 0, 8}), Errno::kSuccess);
  const auto now = guest.get<std::uint64_t>(8);
  const auto start = static_cast<std::uint64_t>(before.tv_sec) * 1'000'000'000;
  EXPECT_GE(now, start);
  EXPECT_LT(now, start + 100'000'000'000);
}

TEST(WasiClockTest, KnowsFourClocks) {
  WasiGuest guest;
  for (const std::uint64_t clock : {0, 1, 2, 3}) {
    EXPECT_EQ(guest.call("clock_time_get", {clock, 0, 8}), Errno::kSuccess);
    EXPECT_GT(guest.get<std::uint64_t>(8), 0u);
    EXPECT_EQ(guest.call("clock_res_get", {clock, 8}), Errno::kSuccess);
    EXPECT_GT(guest.get<std::uint64_t>(8), 0u);
  }
  EXPECT_EQ(guest.call("clock_time_get", {4, 0, 8}), Errno::kInval);
  EXPECT_EQ(guest.call("clock_res_get", {kMinusOne, 8}), Errno::kInval);
  EXPECT_EQ(guest.call("clock_time_get", {0, 0, kMemoryEnd - 7}),
            Errno::kFault);
}

}  // namespace
}  // namespace wasmbpf::engine
