#ifndef WASMBPF_BPF_ERRORS_H_
#define WASMBPF_BPF_ERRORS_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace wasmbpf::bpf {

/// "Permission denied", also for libbpf's own numbers (4000 and up). The only
/// place that makes text from an errno of libbpf.
std::string errno_text(int err);

/// An Error from an errno that libbpf left behind: "what: text". Either sign.
/// EPERM and EACCES say what is missing, ENOENT is kNotFound, EBUSY kBusy, ...
/// libbpf's own numbers become kInvalidArgument without a `sys_errno`.
Error errno_error(std::string_view what, int err);

/// What would give this process the right to use bpf(2), as a sentence. Reads
/// /proc and /sys.
std::string permission_help();

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_ERRORS_H_
