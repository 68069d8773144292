#ifndef WASMBPF_TESTS_RUNTIME_CASE_RUN_H_
#define WASMBPF_TESTS_RUNTIME_CASE_RUN_H_

#include <string>

#include "base/result.h"
#include "runtime/case_file.h"

namespace wasmbpf::testing {

struct CaseOutcome {
  int exit_code = -1;  ///< 128 + N after signal N
  std::string out;
  std::string err;
};

/// Runs a case in network and mount namespaces of its own (with tracefs), and
/// ends everything it started.
/// Errors: kSystem (a step that could not be run), kBusy (deadline passed; the
/// message has the output so far).
Result<CaseOutcome> run_case(const Case& test);

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_RUNTIME_CASE_RUN_H_
