// Runs the command on .case files: each case becomes a gtest.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "kernel/support/require_feature.h"
#include "runtime/case_file.h"
#include "runtime/case_run.h"

namespace wasmbpf::testing {
namespace {

void expect_all(const std::vector<std::string>& regexes,
                const std::string& text, const char* stream, bool wanted) {
  for (const std::string& regex : regexes) {
    const bool found = std::regex_search(
        text,
        std::regex(regex, std::regex::ECMAScript | std::regex::multiline));
    EXPECT_EQ(found, wanted)
        << stream << (wanted ? " lacks /" : " has /") << regex << "/:\n"
        << text;
  }
}

class RuntimeCase : public ::testing::Test {
 public:
  explicit RuntimeCase(Case test) : test_(std::move(test)) {}

  void TestBody() override {
    for (const std::string& feature : test_.needs) {
      REQUIRE_FEATURE(feature);
    }
    const auto outcome = run_case(test_);
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(std::to_string(outcome->exit_code), test_.exit_code)
        << "stdout:\n"
        << outcome->out << "stderr:\n"
        << outcome->err;
    expect_all(test_.out, outcome->out, "stdout", true);
    expect_all(test_.not_out, outcome->out, "stdout", false);
    expect_all(test_.err, outcome->err, "stderr", true);
    expect_all(test_.not_err, outcome->err, "stderr", false);
  }

 private:
  Case test_;
};

std::string test_name(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

void register_test(const std::string& suite, const Case& test) {
  ::testing::RegisterTest(
      suite.c_str(), test_name(test.name).c_str(), nullptr, nullptr,
      test.file.c_str(), test.line,
      [test]() -> ::testing::Test* { return new RuntimeCase(test); });
}

/// Before main: gtest lists and runs what is registered by then.
bool register_cases() {
  const std::map<std::string, std::string> values{
      {"wasm-bpf", RUNTIME_CASES_COMMAND},
      {"guests", RUNTIME_CASES_GUESTS},
      {"programs", RUNTIME_CASES_PROGRAMS},
      {"cases", RUNTIME_CASES_DIR},
  };
  for (const auto& entry :
       std::filesystem::directory_iterator(RUNTIME_CASES_DIR)) {
    if (entry.path().extension() != ".case") {
      continue;
    }
    const auto cases = read_cases(entry.path(), values);
    if (!cases) {
      std::fprintf(stderr, "%s\n", cases.error().message().c_str());
      std::abort();
    }
    for (const Case& test : *cases) {
      register_test(entry.path().stem(), test);
    }
  }
  return true;
}

[[maybe_unused]] const bool registered = register_cases();

}  // namespace
}  // namespace wasmbpf::testing
