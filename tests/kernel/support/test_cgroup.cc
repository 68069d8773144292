#include "kernel/support/test_cgroup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "bpf/features.h"
#include "kernel/support/wait_until.h"

namespace wasmbpf::testing {

TestCgroup::TestCgroup()
    : path_(bpf::kernel_facts().cgroup2 + "/wasm-bpf-test-" +
            std::to_string(::getpid())) {
  if (::mkdir(path_.c_str(), 0755) != 0) {
    ADD_FAILURE() << "mkdir " << path_ << ": " << std::strerror(errno);
    std::abort();
  }
}

TestCgroup::~TestCgroup() {
  // Its last member may still be on its way out.
  EXPECT_TRUE(wait_until([&] { return ::rmdir(path_.c_str()) == 0; }))
      << "rmdir " << path_ << ": " << std::strerror(errno);
}

int TestCgroup::run(const std::function<int()>& body) const {
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream members(path_ + "/cgroup.procs");
    members << ::getpid() << std::flush;
    ::_exit(members ? body() : 255);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace wasmbpf::testing
