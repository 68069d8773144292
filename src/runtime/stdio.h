#ifndef WASMBPF_RUNTIME_STDIO_H_
#define WASMBPF_RUNTIME_STDIO_H_

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/instance.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf {

/// A guest's standard streams as the engine takes them, with the descriptors
/// that this session opened for them.
struct Stdio {
  int stdin_fd = -1;
  engine::Output stdout_to;
  engine::Output stderr_to;
  std::vector<UniqueFd> owned;
};

/// Errors: kNotFound, kPermission, kSystem; the message names stream and file.
Result<Stdio> open_stdio(const SessionOptions& options);

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_STDIO_H_
