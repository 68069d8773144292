#ifndef WASMBPF_BASE_BLOCKED_THREAD_H_
#define WASMBPF_BASE_BLOCKED_THREAD_H_

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>

namespace wasmbpf::testing {

/// For tests: waits until thread `tid` of this process sleeps in system call
/// `number` (/proc/PID/task/TID/syscall); false after 30 seconds.
inline bool wait_until_blocked_in(pid_t tid, long number) {
  const std::string path =
      "/proc/self/task/" + std::to_string(tid) + "/syscall";
  const std::string wanted = std::to_string(number) + " ";
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    std::string state;
    std::getline(std::ifstream(path), state);
    if (state.starts_with(wanted)) {
      return true;
    }
    ::sched_yield();
  }
  return false;
}

}  // namespace wasmbpf::testing

#endif  // WASMBPF_BASE_BLOCKED_THREAD_H_
