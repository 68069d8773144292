#ifndef WASMBPF_BPF_TARGET_H_
#define WASMBPF_BPF_TARGET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wasmbpf::bpf {

/// Attach targets as the user or a guest writes them (docs/reference/targets.md
/// has the grammar). Pure parsing: no name is looked up here.
struct InterfaceTarget {  // IFACE[:ingress|:egress|:primary|:peer][,prio=N]
  enum class Side { kNone, kIngress, kEgress, kPrimary, kPeer };
  std::string interface;
  Side side = Side::kNone;
  std::optional<std::uint32_t> priority;
};
struct PerfEventTarget {  // freq=N[,cpu=N][,pid=N]
  std::uint64_t frequency = 0;
  std::optional<int> cpu;  ///< none: one event on each online CPU
  std::optional<int> pid;  ///< none: every process
};
struct UprobeTarget {  // BINARY:SYMBOL[+OFF][,pid=N]
  std::string binary;
  std::string symbol;  ///< empty: offset counts from the file's start
  std::uint64_t offset = 0;
  std::optional<int> pid;
};
struct KprobeTarget {  // FUNCTION[+OFF]
  std::string function;
  std::uint64_t offset = 0;
};
struct UsdtTarget {  // PROVIDER:NAME@BINARY[,pid=N]
  std::string provider;
  std::string name;
  std::string binary;
  std::optional<int> pid;
};
struct NetfilterTarget {              // inet4|inet6:HOOK[,prio=N]
  std::uint32_t protocol_family = 0;  ///< NFPROTO_IPV4 or NFPROTO_IPV6
  std::uint32_t hook = 0;             ///< enum nf_inet_hooks
  std::int32_t priority = 0;
};

/// Errors of all: kInvalidArgument; the message shows the text, the place and
/// the grammar.
Result<InterfaceTarget> parse_interface_target(std::string_view text);
Result<PerfEventTarget> parse_perf_event_target(std::string_view text);
Result<UprobeTarget> parse_uprobe_target(std::string_view text);
Result<KprobeTarget> parse_kprobe_target(std::string_view text);
Result<UsdtTarget> parse_usdt_target(std::string_view text);
Result<NetfilterTarget> parse_netfilter_target(std::string_view text);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_TARGET_H_
