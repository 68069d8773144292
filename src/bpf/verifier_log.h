#ifndef WASMBPF_BPF_VERIFIER_LOG_H_
#define WASMBPF_BPF_VERIFIER_LOG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wasmbpf::bpf {

/// What libbpf printed about one program's refusal, taken apart.
struct VerifierRefusal {
  std::string program;     ///< empty when nothing was refused
  std::string log;         ///< the kernel's log, whole
  std::string last_lines;  ///< its last useful lines, each on a line of its own
};

/// A likely cause with the next step, as a sentence.
struct Explanation {
  /// kVerifier: the program's code is wrong. kUnsupported: this kernel lacks
  /// what it uses. kPermission, kInvalidArgument: as their names say.
  Errc code;
  std::string text;
  /// The line that told it.
  std::string line = {};
};

/// Finds the last program whose log libbpf printed. Pure, as all here.
VerifierRefusal find_refusal(const std::vector<std::string>& warnings);

/// What the end of a verifier log means for the author of the program. Source
/// lines in the log are not looked at, so a program cannot choose its own
/// diagnosis by a comment.
std::optional<Explanation> explain_log(std::string_view log);

/// What libbpf's own messages about an object mean.
std::optional<Explanation> explain_messages(
    const std::vector<std::string>& warnings);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_VERIFIER_LOG_H_
