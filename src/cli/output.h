#ifndef WASMBPF_CLI_OUTPUT_H_
#define WASMBPF_CLI_OUTPUT_H_

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace wasmbpf::cli {

/// Exit codes of the command (docs/reference/cli.md). A guest's own code is
/// passed on instead.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kRefused = 3,
  kNotSupported = 4,
  kTrapped = 134,     ///< 128 + SIGABRT
  kBrokenPipe = 141,  ///< 128 + SIGPIPE
};

/// How a verb talks to the user: results on stdout, everything else on stderr;
/// with `json` both as one JSON object a line.
struct Output {
  bool json = false;
  bool color = false;  ///< stderr is a terminal and NO_COLOR is not set
  LogLevel level = LogLevel::kWarning;

  /// "wasm-bpf: text" with the level's colour, or a JSON record.
  void message(LogLevel at, std::string_view text) const;
  /// A Logger that prints through `message`.
  Logger logger() const;
};

/// Prints an error and answers the exit code that its kind has.
int report(const Output& output, const Error& error);

/// "1234567" -> "1,234,567", for people.
std::string with_thousands(std::uint64_t number);
/// "262144" -> "256 KiB".
std::string human_size(std::uint64_t bytes);

/// Shows what is wrong with the command line; answers kUsage.
int usage_error(const Output& output, const std::string& text);

/// Whether a guest can be given `text` as an argument.
bool is_utf8(const std::string& text);

}  // namespace wasmbpf::cli

#endif  // WASMBPF_CLI_OUTPUT_H_
