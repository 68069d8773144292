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

/// `text` as one line without anything that a terminal obeys: '?' for control
/// characters (C0, DEL, and C1 in UTF-8 or bare), space for a newline or tab.
/// Names in an object are its author's, targets the guest's, and messages end
/// on terminals and in logs.
std::string printable(std::string_view text);

/// The same for text that has lines, as a verifier's log: they stay.
std::string printable_lines(std::string_view text);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_ERRORS_H_
