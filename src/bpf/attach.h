#ifndef WASMBPF_BPF_ATTACH_H_
#define WASMBPF_BPF_ATTACH_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/kinds.h"
#include "bpf/link.h"
#include "bpf/log_capture.h"

struct bpf_program;

namespace wasmbpf::bpf {

/// One attachment under way. Everything is borrowed for the call.
struct AttachRequest {
  const bpf_program* program;
  const ProgramKind& kind;
  std::string name;
  std::string section;
  std::string target;
  const LogCapture& capture;
};

using Links = std::vector<Link>;

// One function for each family of kinds; `request.target` is not empty.
// Probes: the target named at run time (kprobe, uprobe, USDT, tracepoint, ...).
Result<Links> attach_probe(const AttachRequest& request);
Result<Links> attach_perf_event(const AttachRequest& request);
Result<Links> attach_xdp(const AttachRequest& request);
Result<Links> attach_tc(const AttachRequest& request);
Result<Links> attach_netkit(const AttachRequest& request);
Result<Links> attach_netfilter(const AttachRequest& request);
Result<Links> attach_cgroup(const AttachRequest& request);
Result<Links> attach_netns(const AttachRequest& request);

/// Whether a target of this kind parses; for sections that say all, where a
/// target that does not is ignored.
bool probe_target_parses(const AttachRequest& request);

/// kInvalidArgument unless the file that libbpf is about to open and parse is a
/// regular one: its path is the guest's, opening a FIFO waits for ever and
/// opening a device may act.
Status check_probed_file(const AttachRequest& request, const std::string& path);

/// One link of libbpf's, or the error that `errno` stands for: what libbpf
/// said, the feature this kernel lacks, the mount that is missing. `place` goes
/// on from "attach program 'x'": " to interface eth0".
Result<Links> one_link(const AttachRequest& request, bpf_link* link,
                       const std::string& place);
Error attach_error(const AttachRequest& request, int err,
                   const std::string& place);

/// kInvalidArgument: the target string is missing or says what this kind
/// cannot.
Error target_error(const AttachRequest& request, const std::string& what);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_ATTACH_H_
