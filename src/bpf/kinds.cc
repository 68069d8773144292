#include "bpf/kinds.h"

#include <algorithm>
#include <array>

namespace wasmbpf::bpf {
namespace {

using enum AttachBy;

constexpr std::string_view kNeedsSocket =
    "it is attached to a socket, and a guest has none yet";
constexpr std::string_view kNeedsSockmap =
    "it is attached to a sockmap, which this version does not offer";
constexpr std::string_view kNeedsMapEntry =
    "it is not attached: it runs from an entry of a devmap or cpumap, which "
    "this version does not offer";
constexpr std::string_view kNeedsRoute =
    "it is attached to a route (ip route ... encap bpf), which this version "
    "does not offer";

// In the order of libbpf's section_defs.
constexpr std::array kKinds{
    ProgramKind{"socket", kNever, "socket_filter", kNeedsSocket},
    ProgramKind{"sk_reuseport/migrate", kNever, "sk_reuseport", kNeedsSocket},
    ProgramKind{"sk_reuseport", kNever, "sk_reuseport", kNeedsSocket},
    ProgramKind{"kprobe+", kKprobe, "kprobe"},
    ProgramKind{"uprobe+", kUprobe, "uprobe"},
    ProgramKind{"uprobe.s+", kUprobe, "uprobe.s"},
    ProgramKind{"kretprobe+", kKprobe, "kretprobe"},
    ProgramKind{"uretprobe+", kUprobe, "uretprobe"},
    ProgramKind{"uretprobe.s+", kUprobe, "uprobe.s"},
    ProgramKind{"kprobe.multi+", kKprobeMulti, "kprobe.multi"},
    ProgramKind{"kretprobe.multi+", kKprobeMulti, "kprobe.multi"},
    ProgramKind{"kprobe.session+", kKprobeMulti, "kprobe.session"},
    ProgramKind{"uprobe.multi+", kUprobeMulti, "uprobe.multi"},
    ProgramKind{"uretprobe.multi+", kUprobeMulti, "uprobe.multi"},
    ProgramKind{"uprobe.session+", kUprobeMulti, "uprobe.session"},
    ProgramKind{"uprobe.multi.s+", kUprobeMulti, "uprobe.multi"},
    ProgramKind{"uretprobe.multi.s+", kUprobeMulti, "uprobe.multi"},
    ProgramKind{"uprobe.session.s+", kUprobeMulti, "uprobe.session"},
    ProgramKind{"ksyscall+", kKsyscall, "ksyscall"},
    ProgramKind{"kretsyscall+", kKsyscall, "ksyscall"},
    ProgramKind{"usdt+", kUsdt, "usdt"},
    ProgramKind{"usdt.s+", kUsdt, "uprobe.s"},
    ProgramKind{"tc/ingress", kTc, "tc"},
    ProgramKind{"tc/egress", kTc, "tc"},
    ProgramKind{"tcx/ingress", kTc, "tc"},
    ProgramKind{"tcx/egress", kTc, "tc"},
    ProgramKind{"tc", kTc, "tc"},
    ProgramKind{"classifier", kTc, "tc"},
    ProgramKind{"action", kNever, "sched_act",
                "tc actions are attached by the tc command; use SEC(\"tc\")"},
    ProgramKind{"netkit/primary", kNetkit, "netkit"},
    ProgramKind{"netkit/peer", kNetkit, "netkit"},
    ProgramKind{"tracepoint+", kTracepoint, "tracepoint"},
    ProgramKind{"tp+", kTracepoint, "tracepoint"},
    ProgramKind{"raw_tracepoint+", kRawTracepoint, "raw_tp"},
    ProgramKind{"raw_tp+", kRawTracepoint, "raw_tp"},
    ProgramKind{"raw_tracepoint.w+", kRawTracepoint, "raw_tp.w"},
    ProgramKind{"raw_tp.w+", kRawTracepoint, "raw_tp.w"},
    ProgramKind{"tp_btf+", kSection, "tp_btf"},
    ProgramKind{"fentry+", kSection, "fentry"},
    ProgramKind{"fmod_ret+", kSection, "fmod_ret"},
    ProgramKind{"fexit+", kSection, "fexit"},
    ProgramKind{"fentry.s+", kSection, "fentry.s"},
    ProgramKind{"fmod_ret.s+", kSection, "fmod_ret"},
    ProgramKind{"fexit.s+", kSection, "fentry.s"},
    ProgramKind{"fsession+", kSection, "fsession"},
    ProgramKind{"fsession.s+", kSection, "fsession"},
    ProgramKind{"freplace+", kNever, "freplace",
                "it replaces a function of another program, which has to be "
                "named before load; this version cannot"},
    ProgramKind{"lsm+", kSection, "lsm"},
    ProgramKind{"lsm.s+", kSection, "lsm.s"},
    ProgramKind{"lsm_cgroup+", kCgroup, "lsm_cgroup"},
    ProgramKind{"iter+", kSection, "iter"},
    ProgramKind{"iter.s+", kSection, "iter.s"},
    ProgramKind{"syscall", kNever, "syscall",
                "it is run on demand, not attached"},
    ProgramKind{"xdp.frags/devmap", kNever, "xdp", kNeedsMapEntry},
    ProgramKind{"xdp/devmap", kNever, "xdp", kNeedsMapEntry},
    ProgramKind{"xdp.frags/cpumap", kNever, "xdp", kNeedsMapEntry},
    ProgramKind{"xdp/cpumap", kNever, "xdp", kNeedsMapEntry},
    ProgramKind{"xdp.frags", kXdp, "xdp.frags"},
    ProgramKind{"xdp", kXdp, "xdp"},
    ProgramKind{"perf_event", kPerfEvent, "perf_event"},
    ProgramKind{"lwt_in", kNever, "lwt_in", kNeedsRoute},
    ProgramKind{"lwt_out", kNever, "lwt_out", kNeedsRoute},
    ProgramKind{"lwt_xmit", kNever, "lwt_xmit", kNeedsRoute},
    ProgramKind{"lwt_seg6local", kNever, "lwt_seg6local", kNeedsRoute},
    ProgramKind{"sockops", kCgroup, "sockops"},
    ProgramKind{"sk_skb/stream_parser", kNever, "sk_skb", kNeedsSockmap},
    ProgramKind{"sk_skb/stream_verdict", kNever, "sk_skb", kNeedsSockmap},
    ProgramKind{"sk_skb/verdict", kNever, "sk_skb", kNeedsSockmap},
    ProgramKind{"sk_skb", kNever, "sk_skb", kNeedsSockmap},
    ProgramKind{"sk_msg", kNever, "sk_msg", kNeedsSockmap},
    ProgramKind{"lirc_mode2", kNever, "lirc_mode2",
                "it is attached to an infrared receiver, which this version "
                "does not offer"},
    ProgramKind{"flow_dissector", kNetns, "flow_dissector"},
    ProgramKind{"cgroup_skb/ingress", kCgroup, "cgroup_skb"},
    ProgramKind{"cgroup_skb/egress", kCgroup, "cgroup_skb"},
    ProgramKind{"cgroup/skb", kCgroup, "cgroup_skb"},
    ProgramKind{"cgroup/sock_create", kCgroup, "cgroup_sock"},
    ProgramKind{"cgroup/sock_release", kCgroup, "cgroup_sock"},
    ProgramKind{"cgroup/sock", kCgroup, "cgroup_sock"},
    ProgramKind{"cgroup/post_bind4", kCgroup, "cgroup_sock"},
    ProgramKind{"cgroup/post_bind6", kCgroup, "cgroup_sock"},
    ProgramKind{"cgroup/bind4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/bind6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/connect4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/connect6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/connect_unix", kCgroup, "cgroup_unix"},
    ProgramKind{"cgroup/sendmsg4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/sendmsg6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/sendmsg_unix", kCgroup, "cgroup_unix"},
    ProgramKind{"cgroup/recvmsg4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/recvmsg6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/recvmsg_unix", kCgroup, "cgroup_unix"},
    ProgramKind{"cgroup/getpeername4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/getpeername6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/getpeername_unix", kCgroup, "cgroup_unix"},
    ProgramKind{"cgroup/getsockname4", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/getsockname6", kCgroup, "cgroup_sock_addr"},
    ProgramKind{"cgroup/getsockname_unix", kCgroup, "cgroup_unix"},
    ProgramKind{"cgroup/sysctl", kCgroup, "cgroup_sysctl"},
    ProgramKind{"cgroup/getsockopt", kCgroup, "cgroup_sockopt"},
    ProgramKind{"cgroup/setsockopt", kCgroup, "cgroup_sockopt"},
    ProgramKind{"cgroup/dev", kCgroup, "cgroup_device"},
    ProgramKind{"struct_ops+", kStructOps, "struct_ops"},
    ProgramKind{"struct_ops.s+", kStructOps, "struct_ops"},
    ProgramKind{"sk_lookup", kNetns, "sk_lookup"},
    ProgramKind{"netfilter", kNetfilter, "netfilter"},
};

constexpr std::array kTargetHelp{
    TargetHelp{kKprobe, "FUNCTION[+OFFSET]", "hrtimer_nanosleep"},
    TargetHelp{kKprobeMulti, "a pattern of functions", "tcp_*"},
    TargetHelp{kKsyscall, "the name of a system call", "nanosleep"},
    TargetHelp{kUprobe, "BINARY:SYMBOL[+OFFSET][,pid=N]", "libc.so.6:malloc"},
    TargetHelp{kUprobeMulti, "BINARY:PATTERN[,pid=N]", "libc.so.6:mem*"},
    TargetHelp{kUsdt, "PROVIDER:NAME@BINARY[,pid=N]",
               "python:function__entry@/usr/bin/python3"},
    TargetHelp{kTracepoint, "CATEGORY:NAME", "sched:sched_process_exec"},
    TargetHelp{kRawTracepoint, "the name of a tracepoint", "sched_switch"},
    TargetHelp{kPerfEvent, "freq=N[,cpu=N][,pid=N]", "freq=99"},
    TargetHelp{kXdp, "a network interface", "eth0"},
    TargetHelp{kTc, "IFACE[:ingress|:egress][,prio=N]", "eth0:ingress"},
    TargetHelp{kNetkit, "IFACE[:primary|:peer]", "nk0:peer"},
    TargetHelp{kNetfilter, "inet4|inet6:HOOK[,prio=N]", "inet4:local_in"},
    TargetHelp{kCgroup, "the path of a cgroup", "/sys/fs/cgroup"},
    TargetHelp{kNetns, "the path of a network namespace", "/proc/self/ns/net"},
};

bool matches(std::string_view pattern, std::string_view section) {
  if (!pattern.ends_with('+')) {
    return pattern == section;
  }
  pattern.remove_suffix(1);
  return section == pattern || (section.starts_with(pattern) &&
                                section.substr(pattern.size())[0] == '/');
}

}  // namespace

std::span<const ProgramKind> program_kinds() { return kKinds; }

const ProgramKind* find_kind(std::string_view section) {
  const auto* const kind = std::ranges::find_if(
      kKinds,
      [&](const ProgramKind& k) { return matches(k.section, section); });
  return kind == kKinds.end() ? nullptr : kind;
}

bool names_its_hook(std::string_view section) {
  // Those with a file want its place too: uprobe/FILE:SYMBOL.
  const bool of_a_file = section.starts_with("uprobe") ||
                         section.starts_with("uretprobe") ||
                         section.starts_with("usdt");
  if (of_a_file && !section.contains(':')) {
    return false;
  }
  // tracepoint/CATEGORY/NAME, the others KIND/HOOK.
  const bool of_two_parts =
      section.starts_with("tracepoint/") || section.starts_with("tp/");
  return std::ranges::count(section, '/') >= (of_two_parts ? 2 : 1) &&
         !section.ends_with('/');
}

const TargetHelp* target_help(AttachBy attach_by) {
  const auto* const help =
      std::ranges::find(kTargetHelp, attach_by, &TargetHelp::attach_by);
  return help == kTargetHelp.end() ? nullptr : help;
}

}  // namespace wasmbpf::bpf
