#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_WAIT_UNTIL_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_WAIT_UNTIL_H_

#include <sched.h>

#include <chrono>

namespace wasmbpf::testing {

/// Long enough for an emulated CPU that is shared with a build.
constexpr std::chrono::seconds kDeadline{30};

/// Asks `condition` again and again until it holds; false at the deadline.
template <typename Condition>
bool wait_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    ::sched_yield();
  }
  return true;
}

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_WAIT_UNTIL_H_
