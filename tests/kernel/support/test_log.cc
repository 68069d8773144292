#include "kernel/support/test_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace wasmbpf::testing {

std::string current_test() {
  const auto* const info =
      ::testing::UnitTest::GetInstance()->current_test_info();
  return info == nullptr
             ? ""
             : std::string(info->test_suite_name()) + "." + info->name();
}

void append_to_log(const char* variable,
                   const std::vector<std::string>& fields) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) {
    return;
  }
  std::string line = current_test();
  for (const std::string& field : fields) {
    line += "\t" + field;
  }
  // One write each: tests of several processes share the file.
  std::ofstream(path, std::ios::app) << line + "\n";
}

}  // namespace wasmbpf::testing
