#include "engine/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include <filesystem>
#include <iterator>
#include <latch>
#include <thread>

#include "engine/wasi_test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Errno;
using test::Pipe;
using test::WasiGuest;

constexpr std::size_t kLarge = std::size_t{3} << 20;

/// As a process that lets guests write to pipes has to do.
class IgnoreSigpipe : public ::testing::Environment {
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
};
const auto* const kIgnoreSigpipe =
    ::testing::AddGlobalTestEnvironment(new IgnoreSigpipe);

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + i * 7 % 26);
  }
  return text;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 10000> buffer{};
  for (;;) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n <= 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

/// Fills a pipe or socket; its reader has a full buffer to read.
void fill(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  const std::array<char, 4096> block{};
  while (write(fd, block.data(), block.size()) > 0) {
  }
  fcntl(fd, F_SETFL, flags);
}

class OutputTest : public ::testing::Test {
 protected:
  OutputWriter::Outcome write(OutputWriter& writer, std::string text,
                              bool may_wait = true) {
    // In pieces of many sizes, empty ones too.
    std::vector<iovec> parts;
    std::size_t size = 0;
    for (std::size_t at = 0; at < text.size();
         at += size, size = size * 2 % 70001 + 1) {
      size = std::min(size, text.size() - at);
      parts.push_back({text.data() + at, size});
    }
    return writer.write(parts, *interrupt_, may_wait);
  }

  std::unique_ptr<Interrupt> interrupt_ = *Interrupt::create();
};

TEST_F(OutputTest, ALargeOutputGoesThroughASlowPipe) {
  Pipe pipe;
  std::string got;
  std::thread reader([&] { got = read_all(pipe.reader.get()); });
  {
    OutputWriter writer(pipe.writer.get());
    const auto outcome = write(writer, pattern(kLarge));
    EXPECT_EQ(outcome.written, kLarge);
    EXPECT_EQ(outcome.err, 0);
  }
  pipe.writer.reset();
  reader.join();
  EXPECT_EQ(got, pattern(kLarge));
}

TEST_F(OutputTest, ASocketIsNotMadeNonblocking) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  UniqueFd reader_end(ends[0]);
  UniqueFd writer_end(ends[1]);
  std::string got;
  std::thread reader([&] { got = read_all(reader_end.get()); });
  OutputWriter writer(writer_end.get());
  EXPECT_EQ(write(writer, pattern(kLarge)).written, kLarge);
  EXPECT_EQ(fcntl(writer_end.get(), F_GETFL) & O_NONBLOCK, 0);
  writer_end.reset();
  reader.join();
  EXPECT_EQ(got, pattern(kLarge));
}

TEST_F(OutputTest, ATerminalGetsEverything) {
  const UniqueFd main_end(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(main_end);
  ASSERT_EQ(grantpt(main_end.get()), 0);
  ASSERT_EQ(unlockpt(main_end.get()), 0);
  UniqueFd terminal(
      open(ptsname(main_end.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  termios raw{};
  tcgetattr(terminal.get(), &raw);
  cfmakeraw(&raw);
  tcsetattr(terminal.get(), TCSANOW, &raw);

  const std::string text = pattern(100000);
  std::string got;
  std::thread reader([&] {
    std::array<char, 1000> buffer{};
    while (got.size() < text.size()) {
      const ssize_t n = read(main_end.get(), buffer.data(), buffer.size());
      if (n <= 0) {
        break;
      }
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
  });
  OutputWriter writer(terminal.get());
  EXPECT_EQ(write(writer, text).written, text.size());
  reader.join();
  EXPECT_EQ(got, text);
}

TEST_F(OutputTest, AFileGetsEverything) {
  const UniqueFd file(
      open(::testing::TempDir().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  OutputWriter writer(file.get());
  EXPECT_EQ(write(writer, pattern(kLarge)).written, kLarge);
  ASSERT_EQ(lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(read_all(file.get()), pattern(kLarge));
}

TEST_F(OutputTest, AFunctionGetsEverything) {
  std::string got;
  OutputWriter writer([&](std::span<const std::byte> bytes) {
    EXPECT_FALSE(bytes.empty());
    got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  EXPECT_EQ(writer.fd(), -1);
  EXPECT_EQ(write(writer, pattern(5000)).written, 5000u);
  EXPECT_EQ(got, pattern(5000));
}

TEST_F(OutputTest, AStopEndsAWaitForRoom) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const UniqueFd peer(ends[0]);
  const UniqueFd socket(ends[1]);
  const Pipe pipe;
  for (const int fd : {pipe.writer.get(), socket.get()}) {
    interrupt_ = *Interrupt::create();
    fill(fd);
    std::thread stopper([this] { interrupt_->request_stop(); });
    OutputWriter writer(fd);
    EXPECT_EQ(write(writer, "x").err, EINTR);
    stopper.join();
  }
}

TEST_F(OutputTest, AnInterruptIsKeptForTheNextWait) {
  const Pipe pipe;
  fill(pipe.writer.get());
  interrupt_->interrupt();
  std::thread reader([&] {
    std::array<char, 65536> buffer{};
    EXPECT_GT(read(pipe.reader.get(), buffer.data(), buffer.size()), 0);
  });
  OutputWriter writer(pipe.writer.get());
  const auto outcome = write(writer, "x");
  reader.join();
  EXPECT_EQ(outcome.written, 1u);
  EXPECT_EQ(interrupt_->wait(-1, 0, std::nullopt).error().code(),
            Errc::kInterrupted);
}

TEST_F(OutputTest, WithoutWaitingAFullPipeIsEagain) {
  const Pipe pipe;
  fill(pipe.writer.get());
  OutputWriter writer(pipe.writer.get());
  const auto outcome = write(writer, "x", false);
  EXPECT_EQ(outcome.written, 0u);
  EXPECT_EQ(outcome.err, EAGAIN);
}

TEST_F(OutputTest, TellsWhatTheHostSays) {
  const UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  OutputWriter full_writer(full.get());
  EXPECT_EQ(write(full_writer, "x").err, ENOSPC);

  const UniqueFd read_only(open("/dev/null", O_RDONLY | O_CLOEXEC));
  OutputWriter read_only_writer(read_only.get());
  EXPECT_EQ(write(read_only_writer, "x").err, EBADF);
}

TEST_F(OutputTest, APipeWithoutReadersIsClosed) {
  Pipe pipe;
  pipe.reader.reset();
  OutputWriter writer(pipe.writer.get());
  EXPECT_EQ(write(writer, "x").err, EPIPE);
}

TEST_F(OutputTest, APipeThatCannotBeOpenedAgainIsWrittenInPieces) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to become another user";
  }
  Pipe pipe;
  ASSERT_EQ(fchmod(pipe.writer.get(), 0), 0);
  std::string got;
  std::thread reader([&] { got = read_all(pipe.reader.get()); });
  std::thread([&] {
    // For this thread only: it loses root's right to open anything.
    ASSERT_EQ(syscall(SYS_setresuid, -1, 65534, -1), 0);
    OutputWriter writer(pipe.writer.get());
    EXPECT_EQ(write(writer, pattern(kLarge)).written, kLarge);
  }).join();
  pipe.writer.reset();
  reader.join();
  EXPECT_EQ(got, pattern(kLarge));
}

// -- seen by a guest --------------------------------------------------------

class GuestOutputTest : public ::testing::Test {
 protected:
  GuestOutputTest() {
    guest_.put_text(100, "hello ");
    guest_.put_text(200, "world\n");
    guest_.put_iovecs(0, {{100, 6}, {200, 6}});
  }
  WasiGuest guest_;
};

TEST_F(GuestOutputTest, StdoutAndStderrAreApart) {
  std::string out;
  std::string err;
  const auto into = [](std::string& text) {
    return [&text](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
  };
  guest_.options.stdout_to = into(out);
  guest_.options.stderr_to = into(err);
  guest_.run({{"fd_write", {1, 0, 2, 64}}, {"fd_write", {2, 8, 1, 64}}});
  EXPECT_EQ(out, "hello world\n");
  EXPECT_EQ(err, "world\n");
  EXPECT_EQ(guest_.get<std::uint32_t>(64), 6u);
}

TEST_F(GuestOutputTest, GoesOutOnTheGuestsThread) {
  std::thread::id thread;
  guest_.options.stdout_to = [&](auto) { thread = std::this_thread::get_id(); };
  guest_.call("fd_write", {1, 0, 2, 64});
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST_F(GuestOutputTest, AClosedPipeIsToldOnce) {
  Pipe pipe;
  pipe.reader.reset();
  int closed = 0;
  guest_.options.stdout_to = pipe.writer.get();
  guest_.options.stderr_to = pipe.writer.get();
  guest_.options.on_output_closed = [&] { ++closed; };
  guest_.run({{"fd_write", {1, 0, 2, 64}},
              {"fd_write", {1, 0, 2, 64}},
              {"fd_write", {2, 0, 2, 64}}});
  EXPECT_THAT(guest_.answers,
              ::testing::ElementsAre(Errno::kPipe, Errno::kPipe, Errno::kPipe));
  EXPECT_EQ(closed, 1);
}

TEST_F(GuestOutputTest, AStopEndsAGuestWhoseReaderDoesNotRead) {
  const Pipe pipe;
  fill(pipe.writer.get());
  guest_.options.stdout_to = pipe.writer.get();
  std::latch ready(1);
  guest_.before_calls = [&] { ready.count_down(); };
  Interrupt& interrupt = *guest_.interrupt;
  std::thread stopper([&] {
    ready.wait();
    interrupt.request_stop();
  });
  guest_.call("fd_write", {1, 0, 2, 64});
  stopper.join();
  EXPECT_EQ(guest_.exit.kind, Exit::Kind::kStopped);
}

TEST_F(GuestOutputTest, LeavesNoDescriptor) {
  const auto count = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const Pipe pipe;
  guest_.options.stdout_to = pipe.writer.get();
  const auto before = count();
  std::ptrdiff_t during = 0;
  guest_.run({{"fd_write", {1, 0, 2, 64}}});
  guest_.options.stderr_to = [&](auto) { during = count(); };
  guest_.run({{"fd_write", {1, 0, 2, 64}}, {"fd_write", {2, 0, 2, 64}}});
  EXPECT_GT(during, before);  // the pipe, opened once more
  EXPECT_EQ(count(), before);
}

TEST_F(GuestOutputTest, NonblockingStdoutAnswersEagain) {
  const Pipe pipe;
  fill(pipe.writer.get());
  guest_.options.stdout_to = pipe.writer.get();
  EXPECT_EQ(guest_.run({{"fd_fdstat_set_flags", {1, wasi_abi::kFlagNonblock}},
                        {"fd_write", {1, 0, 2, 64}}}),
            Errno::kAgain);
}

}  // namespace
}  // namespace wasmbpf::engine
