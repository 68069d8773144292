#ifndef WASMBPF_TESTS_RUNTIME_CASE_FILE_H_
#define WASMBPF_TESTS_RUNTIME_CASE_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace wasmbpf::testing {

/// One case of a .case file: a command, what happens meanwhile, and what is
/// expected. README.md has the words; each may stand several times.
struct Case {
  std::string file;
  int line = 0;
  std::string name;
  std::vector<std::string> needs;  ///< feature names
  std::vector<std::string> setup;  ///< before, each must succeed
  std::string run;
  std::string ready;  ///< regex: when DURING may begin
  std::vector<std::string> during;
  std::vector<std::string> signals;  ///< "INT", sent to RUN after DURING
  std::vector<std::string> out, not_out, err, not_err;  ///< regexes
  std::string exit_code = "0";
  std::string user = "root";  ///< or "nobody"
};

/// Reads the cases of a file; `{{name}}` is replaced by `values[name]`.
/// Errors: kInvalidArgument with file and line.
Result<std::vector<Case>> read_cases(
    const std::string& path, const std::map<std::string, std::string>& values);

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_RUNTIME_CASE_FILE_H_
