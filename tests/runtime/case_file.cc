#include "runtime/case_file.h"

#include <fstream>

namespace wasmbpf::testing {
namespace {

using Values = std::map<std::string, std::string>;

Error at(const std::string& path, int line, const std::string& what) {
  return Error(Errc::kInvalidArgument,
               path + ":" + std::to_string(line) + ": " + what);
}

Result<std::string> replace_values(std::string text, const Values& values) {
  for (;;) {
    const std::size_t start = text.find("{{");
    const std::size_t end = text.find("}}", start);
    if (start == std::string::npos || end == std::string::npos) {
      return text;
    }
    const auto value = values.find(text.substr(start + 2, end - start - 2));
    if (value == values.end()) {
      return Error(Errc::kNotFound,
                   "no value for " + text.substr(start, end + 2 - start));
    }
    text.replace(start, end + 2 - start, value->second);
  }
}

/// What each word of the format fills in: a list, or one text.
const std::map<std::string, std::vector<std::string> Case::*> kLists{
    {"NEEDS", &Case::needs},      {"SETUP", &Case::setup},
    {"DURING", &Case::during},    {"SIGNAL", &Case::signals},
    {"EXPECT_REGEX", &Case::out}, {"EXPECT_NOT", &Case::not_out},
    {"EXPECT_ERR", &Case::err},   {"EXPECT_NO_ERR", &Case::not_err},
};
const std::map<std::string, std::string Case::*> kTexts{
    {"NAME", &Case::name},
    {"RUN", &Case::run},
    {"READY", &Case::ready},
    {"USER", &Case::user},
    {"EXPECT_EXIT", &Case::exit_code},
};

bool fill_in(Case& test, const std::string& word, const std::string& value) {
  if (const auto list = kLists.find(word); list != kLists.end()) {
    (test.*list->second).push_back(value);
    return true;
  }
  if (const auto text = kTexts.find(word); text != kTexts.end()) {
    test.*text->second = value;
    return true;
  }
  return false;
}

}  // namespace

Result<std::vector<Case>> read_cases(const std::string& path,
                                     const Values& values) {
  std::ifstream file(path);
  if (!file) {
    return Error(Errc::kNotFound, "cannot read " + path);
  }
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const std::size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::size_t value_start = line.find_first_not_of(' ', space);
    auto value = replace_values(
        value_start == std::string::npos ? "" : line.substr(value_start),
        values);
    if (!value) {
      return at(path, number, value.error().message());
    }
    if (word == "NAME") {
      cases.push_back({});
      cases.back().file = path;
      cases.back().line = number;
    } else if (cases.empty()) {
      return at(path, number, "a case begins with NAME");
    }
    if (!fill_in(cases.back(), word, *value)) {
      return at(path, number, "no word " + word);
    }
  }
  return cases;
}

}  // namespace wasmbpf::testing
