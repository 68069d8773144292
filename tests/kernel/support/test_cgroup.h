#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_TEST_CGROUP_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_TEST_CGROUP_H_

#include <functional>
#include <string>

namespace wasmbpf::testing {

/// A cgroup of this test's own, gone at its end.
class TestCgroup {
 public:
  TestCgroup();
  TestCgroup(const TestCgroup&) = delete;
  ~TestCgroup();

  const std::string& path() const { return path_; }

  /// Runs `body` in a child process that is a member, and answers what it
  /// returned (0 to 255).
  int run(const std::function<int()>& body) const;

 private:
  std::string path_;
};

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_TEST_CGROUP_H_
