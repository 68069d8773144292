#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace wasmbpf {
namespace {

using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 public:
  FileTest() {
    std::string name = ::testing::TempDir() + "file-test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

 protected:
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }
  std::string content(const char* name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  const auto path = folder_ / "x";
  ASSERT_TRUE(replace_file(path, bytes("abc"), 0640));
  const auto read = read_file(path, 3);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->size(), 3u);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(FileTest, ReadingEndsAtItsLimit) {
  ASSERT_TRUE(replace_file(folder_ / "x", bytes("abcd"), 0600));
  EXPECT_EQ(read_file(folder_ / "x", 3).error().code(), Errc::kTooLarge);
  EXPECT_TRUE(read_file(folder_ / "x", 4));
  EXPECT_EQ(read_file("/dev/zero", 3).error().code(), Errc::kInvalidArgument);
}

TEST_F(FileTest, APipeIsReadToItsEndOrItsLimit) {
  std::signal(SIGPIPE, SIG_IGN);  // the last one is closed before its end
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1} << 16, std::size_t{300'000}}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    std::thread writer([&] {
      const std::string text(size, 'x');
      std::size_t done = 0;
      while (done < size) {
        const ssize_t n = ::write(ends[1], text.data() + done, size - done);
        if (n <= 0) {
          break;
        }
        done += static_cast<std::size_t>(n);
      }
      ::close(ends[1]);
    });
    const auto read =
        read_file("/proc/self/fd/" + std::to_string(ends[0]), 200'000);
    ::close(ends[0]);
    writer.join();
    if (size > 200'000) {
      EXPECT_EQ(read.error().code(), Errc::kTooLarge);
    } else {
      ASSERT_TRUE(read) << read.error().message();
      EXPECT_EQ(read->size(), size);
    }
  }
}

TEST_F(FileTest, MissingFilesAndFoldersSaySo) {
  EXPECT_EQ(read_file(folder_ / "none", 9).error().code(), Errc::kNotFound);
  EXPECT_THAT(read_file(folder_, 9).error().message(), HasSubstr("directory"));
  EXPECT_THAT(
      replace_file(folder_ / "none/x", bytes("a"), 0600).error().message(),
      HasSubstr("none/x"));
}

TEST_F(FileTest, OnlyARegularFileIsReplaced) {
  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(replace_file(pipe, bytes("a"), 0600).error().code(),
            Errc::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_EQ(replace_file("/dev/null", bytes("a"), 0600).error().code(),
            Errc::kInvalidArgument);
}

TEST_F(FileTest, ALinkIsNeitherReplacedNorFollowed) {
  ASSERT_TRUE(replace_file(folder_ / "precious", bytes("old"), 0600));
  std::filesystem::create_symlink("precious", folder_ / "link");
  EXPECT_EQ(replace_file(folder_ / "link", bytes("new"), 0600).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(content("precious"), "old");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
}

TEST_F(FileTest, NothingIsLeftOfAFailure) {
  std::filesystem::create_directory(folder_ / "sub");
  EXPECT_FALSE(replace_file(folder_ / "sub", bytes("a"), 0600));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace wasmbpf
