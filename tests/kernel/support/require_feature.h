#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_REQUIRE_FEATURE_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_REQUIRE_FEATURE_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace wasmbpf::testing {

/// Why this kernel cannot run the test under way; none if it can. Probed once a
/// process. A skip is written to the file that WASMBPF_SKIP_LOG names:
/// test, feature, kernel release and reason, with tabs between.
/// An unknown name fails the test.
std::optional<std::string> missing_feature(std::string_view name);

}  // namespace wasmbpf::testing

/// Skips the test unless the kernel has the feature `name` (bpf/features.h).
/// The only way to skip: a test run fails when no kernel of it had the feature.
#define REQUIRE_FEATURE(name)                                                  \
  if (const auto wasmbpf_missing_ = ::wasmbpf::testing::missing_feature(name); \
      wasmbpf_missing_) {                                                      \
    GTEST_SKIP() << "this kernel has no " << (name) << ": "                    \
                 << *wasmbpf_missing_;                                         \
  }                                                                            \
  static_assert(true, "takes the semicolon")

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_REQUIRE_FEATURE_H_
