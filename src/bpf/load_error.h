#ifndef WASMBPF_BPF_LOAD_ERROR_H_
#define WASMBPF_BPF_LOAD_ERROR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/features.h"
#include "bpf/object.h"

namespace wasmbpf::bpf {

/// Asks whether the kernel has a feature; `probe_feature`, or a test's own (no
/// kernel without ring buffers can be had any more).
using Probe = std::function<Result<Feature>(std::string_view name)>;

/// What is known when an object did not load.
struct LoadFailure {
  std::string object;
  int err = 0;                        ///< what libbpf answered
  std::vector<std::string> warnings;  ///< of libbpf, in order, whole
  std::vector<ProgramInfo> programs;
  std::vector<MapDeclaration> maps;
};

/// The Error for it: kUnsupported when the kernel lacks what the failed program
/// or map is (named, with the first version that has it), kVerifier with the
/// program, the last useful lines and the likely cause, else what the errno
/// means. The whole verifier log is in `log()`.
Error load_error(const LoadFailure& failure, const Probe& probe);

/// kUnsupported when `probe` finds that the kernel lacks `feature`, worded for
/// `what` ("program 'x'"); nothing when it has it or nobody can tell.
std::optional<Error> missing_feature(std::string_view what,
                                     std::string_view feature,
                                     const Probe& probe);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_LOAD_ERROR_H_
