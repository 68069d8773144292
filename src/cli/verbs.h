#ifndef WASMBPF_CLI_VERBS_H_
#define WASMBPF_CLI_VERBS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "cli/output.h"

namespace wasmbpf::cli {

/// A verb declares its options on `app` and answers what to do once they are
/// parsed: a function that gives the exit code. One file per verb.
using Action = std::function<int(const Output&)>;
struct Verb {
  const char* name;
  const char* summary;
  Action (*declare)(CLI::App& app);
};

/// Stands for the first "--" of `run`: CLI11 knows nothing of FILE and would
/// refuse it. No argument can be like it, for it ends with a NUL.
inline const std::string kEndOfFlags("--\0", 3);

Action declare_run(CLI::App& app);
Action declare_inspect(CLI::App& app);
Action declare_features(CLI::App& app);
Action declare_compile(CLI::App& app);
Action declare_completion(CLI::App& app);

}  // namespace wasmbpf::cli

#endif  // WASMBPF_CLI_VERBS_H_
