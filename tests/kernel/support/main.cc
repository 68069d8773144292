// main() of every test program of the kernel tier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "kernel/support/leak_listener.h"

namespace wasmbpf::testing {
namespace {

bool is_mounted(const std::string& type) {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string path;
  std::string kind;
  for (std::string rest; mounts >> device >> path >> kind;) {
    std::getline(mounts, rest);
    if (kind == type) {
      return true;
    }
  }
  return false;
}

/// What a bare machine lacks is mounted for this process alone.
bool mount_what_is_missing() {
  struct FileSystem {
    const char* type;
    const char* path;
  };
  constexpr FileSystem kNeeded[] = {{"tracefs", "/sys/kernel/tracing"},
                                    {"bpf", "/sys/fs/bpf"},
                                    {"securityfs", "/sys/kernel/security"},
                                    {"cgroup2", "/sys/fs/cgroup"}};
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    std::perror("private mount namespace");
    return false;
  }
  for (const FileSystem& needed : kNeeded) {
    if (!is_mounted(needed.type) &&
        ::mount(needed.type, needed.path, needed.type, 0, nullptr) != 0) {
      std::fprintf(stderr, "mount %s on %s: %s\n", needed.type, needed.path,
                   std::strerror(errno));
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace wasmbpf::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (GTEST_FLAG_GET(list_tests)) {
    return RUN_ALL_TESTS();
  }
  if (::geteuid() != 0) {
    std::fprintf(stderr, "kernel tests need root: run them with sudo\n");
    return 1;
  }
  if (!wasmbpf::testing::mount_what_is_missing()) {
    return 1;
  }
  ::testing::UnitTest::GetInstance()->listeners().Append(
      new wasmbpf::testing::LeakListener);
  return RUN_ALL_TESTS();
}
