#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_LEAK_LISTENER_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_LEAK_LISTENER_H_

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernel/support/kernel_objects.h"

namespace wasmbpf::testing {

/// Fails every test that leaves a descriptor open in this process, or a
/// program, map or link of its own in the kernel. The kernel frees some of them
/// late, so they are waited for until a deadline. What another process holds is
/// not ours. Writes a line into the file of WASMBPF_RAN_LOG for each test that
/// was not skipped: test, "ran" and kernel release.
class LeakListener : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& info) override;
  void OnTestEnd(const ::testing::TestInfo& info) override;

 private:
  std::map<int, std::string> descriptors_;  ///< with what each is open on
  KernelObjects objects_;
};

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_LEAK_LISTENER_H_
