#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_TEST_LOG_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_TEST_LOG_H_

#include <string>
#include <vector>

namespace wasmbpf::testing {

/// "Suite.Name" of the test under way.
std::string current_test();

/// Appends one line, the current test's name and `fields` with tabs between, to
/// the file that the environment `variable` names; does nothing without it.
void append_to_log(const char* variable,
                   const std::vector<std::string>& fields);

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_TEST_LOG_H_
