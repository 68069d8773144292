#include "bpf/features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/printable.h"
#include "bpf/errors.h"
#include "bpf/log_capture.h"
#include "bpf/probes.h"

namespace wasmbpf::bpf {
namespace {

/// First kernels with a program or map type, by libbpf's names.
struct Since {
  std::string_view name;
  std::string_view version;
};
constexpr std::array kProgramTypesSince{
    Since{"socket_filter", "3.19"},
    Since{"kprobe", "4.1"},
    Since{"sched_cls", "4.1"},
    Since{"sched_act", "4.1"},
    Since{"tracepoint", "4.7"},
    Since{"xdp", "4.8"},
    Since{"perf_event", "4.9"},
    Since{"cgroup_skb", "4.10"},
    Since{"cgroup_sock", "4.10"},
    Since{"lwt_in", "4.10"},
    Since{"lwt_out", "4.10"},
    Since{"lwt_xmit", "4.10"},
    Since{"sock_ops", "4.13"},
    Since{"sk_skb", "4.14"},
    Since{"cgroup_device", "4.15"},
    Since{"sk_msg", "4.17"},
    Since{"raw_tracepoint", "4.17"},
    Since{"cgroup_sock_addr", "4.17"},
    Since{"lwt_seg6local", "4.18"},
    Since{"lirc_mode2", "4.18"},
    Since{"sk_reuseport", "4.19"},
    Since{"flow_dissector", "4.20"},
    Since{"cgroup_sysctl", "5.2"},
    Since{"raw_tracepoint_writable", "5.2"},
    Since{"cgroup_sockopt", "5.3"},
    Since{"tracing", "5.5"},
    Since{"struct_ops", "5.6"},
    Since{"ext", "5.6"},
    Since{"lsm", "5.7"},
    Since{"sk_lookup", "5.9"},
    Since{"syscall", "5.14"},
    Since{"netfilter", "6.4"},
};
constexpr std::array kMapTypesSince{
    Since{"hash", "3.19"},
    Since{"array", "3.19"},
    Since{"prog_array", "4.2"},
    Since{"perf_event_array", "4.3"},
    Since{"percpu_hash", "4.6"},
    Since{"percpu_array", "4.6"},
    Since{"stack_trace", "4.6"},
    Since{"cgroup_array", "4.8"},
    Since{"lru_hash", "4.10"},
    Since{"lru_percpu_hash", "4.10"},
    Since{"lpm_trie", "4.11"},
    Since{"array_of_maps", "4.12"},
    Since{"hash_of_maps", "4.12"},
    Since{"devmap", "4.14"},
    Since{"sockmap", "4.14"},
    Since{"cpumap", "4.15"},
    Since{"xskmap", "4.18"},
    Since{"sockhash", "4.18"},
    Since{"cgroup_storage", "4.19"},
    Since{"reuseport_sockarray", "4.19"},
    Since{"percpu_cgroup_storage", "4.20"},
    Since{"queue", "4.20"},
    Since{"stack", "4.20"},
    Since{"sk_storage", "5.2"},
    Since{"devmap_hash", "5.4"},
    Since{"struct_ops", "5.6"},
    Since{"ringbuf", "5.8"},
    Since{"inode_storage", "5.10"},
    Since{"task_storage", "5.11"},
    Since{"bloom_filter", "5.16"},
    Since{"user_ringbuf", "6.1"},
    Since{"cgrp_storage", "6.2"},
    Since{"arena", "6.9"},
    Since{"insn_array", "6.19"},
};

/// Everything but the program and map types, which libbpf counts up.
struct Row {
  FeatureKind kind;
  std::string_view name;
  std::string_view since;
  Outcome (*probe)(Prober& prober);
};

constexpr FeatureKind kAttach = FeatureKind::kAttachKind;
constexpr FeatureKind kOther = FeatureKind::kOther;

/// One program type for a whole family of cgroup hooks: whether it loads tells,
/// and no cgroup has to be made for it.
template <bpf_prog_type kType, bpf_attach_type kAttachType>
Outcome loads(Prober& prober) {
  return prober.loads({kType, kAttachType});
}

template <bpf_attach_type kAttachType, std::uint32_t kFlags = 0>
Outcome traced(Prober& prober) {
  return prober.attach_traced({BPF_PROG_TYPE_TRACING, kAttachType, kFlags});
}

template <bpf_func_id kHelper>
Outcome helper(Prober& prober) {
  return prober.helper(BPF_PROG_TYPE_SCHED_CLS, kHelper);
}

#if defined(__x86_64__)
constexpr const char* kSystemCall = "__x64_sys_nanosleep";
#elif defined(__aarch64__)
constexpr const char* kSystemCall = "__arm64_sys_nanosleep";
#else
constexpr const char* kSystemCall = "sys_nanosleep";
#endif

constexpr std::array kRows{
    Row{kAttach, "tracepoint", "4.7",
        [](Prober& p) { return p.attach_tracepoint(); }},
    Row{kAttach, "raw_tp", "4.17",
        [](Prober& p) {
          return p.attach_raw_tracepoint({BPF_PROG_TYPE_RAW_TRACEPOINT},
                                         "sched_process_exit");
        }},
    Row{kAttach, "raw_tp.w", "5.2",
        [](Prober& p) {
          return p.attach_raw_tracepoint(
              {BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE}, "bpf_test_finish");
        }},
    Row{kAttach, "tp_btf", "5.5",
        [](Prober& p) {
          return p.attach_traced({BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0,
                                  "btf_trace_sched_process_exit",
                                  BTF_KIND_TYPEDEF});
        }},
    Row{kAttach, "kprobe", "4.1",
        [](Prober& p) { return p.attach_probe("kprobe", false); }},
    Row{kAttach, "kretprobe", "4.1",
        [](Prober& p) { return p.attach_probe("kprobe", true); }},
    Row{kAttach, "ksyscall", "4.17",
        [](Prober& p) { return p.attach_probe("kprobe", false); }},
    Row{kAttach, "kprobe.multi", "5.18",
        [](Prober& p) {
          return p.attach_kprobe_multi(BPF_TRACE_KPROBE_MULTI);
        }},
    Row{kAttach, "kprobe.session", "6.10",
        [](Prober& p) {
          return p.attach_kprobe_multi(BPF_TRACE_KPROBE_SESSION);
        }},
    Row{kAttach, "uprobe", "4.17",
        [](Prober& p) { return p.attach_probe("uprobe", false); }},
    Row{kAttach, "uretprobe", "4.17",
        [](Prober& p) { return p.attach_probe("uprobe", true); }},
    Row{kAttach, "uprobe.s", "6.0",
        [](Prober& p) {
          return p.attach_probe("uprobe", false, BPF_F_SLEEPABLE);
        }},
    Row{kAttach, "uprobe.multi", "6.6",
        [](Prober& p) {
          return p.attach_uprobe_multi(BPF_TRACE_UPROBE_MULTI);
        }},
    Row{kAttach, "uprobe.session", "6.13",
        [](Prober& p) {
          return p.attach_uprobe_multi(BPF_TRACE_UPROBE_SESSION);
        }},
    Row{kAttach, "usdt", "4.20",
        [](Prober& p) { return p.attach_probe("uprobe", false); }},
    Row{kAttach, "fentry", "5.5", traced<BPF_TRACE_FENTRY>},
    Row{kAttach, "fexit", "5.5", traced<BPF_TRACE_FEXIT>},
    Row{kAttach, "fmod_ret", "5.7", traced<BPF_MODIFY_RETURN>},
    Row{kAttach, "fentry.s", "5.10",
        [](Prober& p) {
          return p.attach_traced({BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY,
                                  BPF_F_SLEEPABLE, kSystemCall, BTF_KIND_FUNC});
        }},
    Row{kAttach, "fsession", "7.0", traced<BPF_TRACE_FSESSION>},
    Row{kAttach, "freplace", "5.6",
        [](Prober& p) { return p.program_type(BPF_PROG_TYPE_EXT); }},
    Row{kAttach, "lsm", "5.7",
        [](Prober& p) {
          return p.attach_lsm({BPF_PROG_TYPE_LSM, BPF_LSM_MAC});
        }},
    Row{kAttach, "lsm.s", "5.11",
        [](Prober& p) {
          return p.attach_lsm({BPF_PROG_TYPE_LSM, BPF_LSM_MAC, BPF_F_SLEEPABLE,
                               "bpf_lsm_file_open"});
        }},
    Row{kAttach, "lsm_cgroup", "6.0",
        [](Prober& p) {
          return p.attach_lsm(
              {BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, 0, "bpf_lsm_socket_bind"});
        }},
    Row{kAttach, "iter", "5.8", [](Prober& p) { return p.attach_iterator(0); }},
    Row{kAttach, "iter.s", "5.18",
        [](Prober& p) { return p.attach_iterator(BPF_F_SLEEPABLE); }},
    Row{kAttach, "perf_event", "4.9",
        [](Prober& p) { return p.attach_perf_event(); }},
    Row{kAttach, "xdp", "5.9",
        [](Prober& p) {
          return p.attach_to_loopback({BPF_PROG_TYPE_XDP, BPF_XDP}, BPF_XDP);
        }},
    Row{kAttach, "xdp.frags", "5.18",
        [](Prober& p) {
          return p.attach_to_loopback(
              {BPF_PROG_TYPE_XDP, BPF_XDP, BPF_F_XDP_HAS_FRAGS}, BPF_XDP);
        }},
    Row{kAttach, "tc", "4.5", [](Prober& p) { return p.attach_clsact(); }},
    Row{kAttach, "tcx", "6.6",
        [](Prober& p) {
          return p.attach_to_loopback(
              {BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS}, BPF_TCX_INGRESS);
        }},
    Row{kAttach, "netkit", "6.7", [](Prober& p) { return p.attach_netkit(); }},
    Row{kAttach, "netfilter", "6.4",
        [](Prober& p) { return p.attach_netfilter(); }},
    Row{kAttach, "sk_lookup", "5.9",
        [](Prober& p) {
          return p.attach_to_network({BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP});
        }},
    Row{kAttach, "flow_dissector", "5.8",
        [](Prober& p) {
          return p.attach_to_network(
              {BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR});
        }},
    Row{kAttach, "cgroup_skb", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS>},
    Row{kAttach, "cgroup_sock", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE>},
    Row{kAttach, "cgroup_sock_addr", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT>},
    Row{kAttach, "cgroup_unix", "6.7",
        loads<BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_CONNECT>},
    Row{kAttach, "cgroup_sysctl", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL>},
    Row{kAttach, "cgroup_sockopt", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT>},
    Row{kAttach, "cgroup_device", "5.7",
        loads<BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE>},
    Row{kAttach, "sockops", "5.7",
        loads<BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS>},
    Row{kAttach, "struct_ops", "5.6",
        [](Prober& p) { return p.struct_ops("tcp_congestion_ops"); }},
    Row{kAttach, "struct_ops.link", "6.4",
        [](Prober& p) {
          return p.in_btf("bpf_struct_ops_link", BTF_KIND_STRUCT);
        }},
    Row{kAttach, "sched_ext", "6.12",
        [](Prober& p) { return p.struct_ops("sched_ext_ops"); }},
    // Not attached, but run, by this version or a later one.
    Row{kAttach, "syscall", "5.14",
        [](Prober& p) { return p.program_type(BPF_PROG_TYPE_SYSCALL); }},

    Row{kOther, "btf", "5.4", [](Prober& p) { return p.has_btf(); }},
    Row{kOther, "jit", "3.18", [](Prober& p) { return p.jit(); }},
    Row{kOther, "mmapable_array", "5.5",
        [](Prober& p) { return p.mmapable_array(); }},
    Row{kOther, "bounded_loops", "5.3",
        [](Prober& p) {
          // r0 = 4; do --r0; while (r0 != 0); exit
          constexpr std::array<bpf_insn, 4> kLoop{{
              {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 4},
              {BPF_ALU64 | BPF_SUB | BPF_K, 0, 0, 0, 1},
              {BPF_JMP | BPF_JNE | BPF_K, 0, 0, -2, 0},
              {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
          }};
          return p.instructions(kLoop.data(), kLoop.size());
        }},
    Row{kOther, "cpu_v4", "6.6",
        [](Prober& p) {
          // r0 = 0; r0 = (s8)r0; exit
          constexpr std::array<bpf_insn, 3> kSignExtended{{
              {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
              {BPF_ALU64 | BPF_MOV | BPF_X, 0, 0, 8, 0},
              {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
          }};
          return p.instructions(kSignExtended.data(), kSignExtended.size());
        }},
    Row{kOther, "bpf_timer", "5.15", helper<BPF_FUNC_timer_init>},
    Row{kOther, "bpf_loop", "5.17", helper<BPF_FUNC_loop>},
    Row{kOther, "dynptr", "5.19", helper<BPF_FUNC_dynptr_from_mem>},
    Row{kOther, "attach_cookie", "5.15",
        [](Prober& p) {
          return p.helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie);
        }},
    Row{kOther, "open_coded_iterators", "6.4",
        [](Prober& p) { return p.in_btf("bpf_iter_num_new", BTF_KIND_FUNC); }},
    Row{kOther, "bpf_wq", "6.10",
        [](Prober& p) { return p.in_btf("bpf_wq_init", BTF_KIND_FUNC); }},
};

template <std::size_t kCount>
std::string_view since_of(const std::array<Since, kCount>& table,
                          std::string_view name) {
  const auto row = std::ranges::find(table, name, &Since::name);
  return row == table.end() ? "" : row->version;
}

Feature feature_of(FeatureKind kind, std::string_view name,
                   std::string_view since, const Outcome& outcome) {
  Feature feature{.kind = kind,
                  .name = std::string(name),
                  .supported = outcome.err == 0,
                  .blocked = false,
                  .reason = outcome.reason,
                  .since = std::string(since)};
  if (feature.supported) {
    feature.reason.clear();
    return feature;
  }
  feature.blocked = outcome.err == EPERM || outcome.err == EACCES;
  if (feature.reason.empty()) {
    feature.reason = feature.blocked ? "not permitted: " + permission_help()
                                     : "the kernel answers '" +
                                           errno_text(outcome.err) + "'";
  }
  return feature;
}

/// libbpf answers 0 to a process that may not try, too.
Outcome if_permitted(Prober& prober, Outcome outcome) {
  if (outcome.err != 0 &&
      prober.loads({BPF_PROG_TYPE_SCHED_CLS}).err == EPERM) {
    return {EPERM};
  }
  return outcome;
}

Feature probe_row(Prober& prober, const Row& row) {
  return feature_of(row.kind, row.name, row.since,
                    if_permitted(prober, row.probe(prober)));
}

Feature probe_map_type(Prober& prober, bpf_map_type type) {
  const char* const name = libbpf_bpf_map_type_str(type);
  return feature_of(FeatureKind::kMapType, name, since_of(kMapTypesSince, name),
                    if_permitted(prober, prober.map_type(type)));
}

Feature probe_program_type(Prober& prober, bpf_prog_type type) {
  const char* const name = libbpf_bpf_prog_type_str(type);
  return feature_of(FeatureKind::kProgramType, name,
                    since_of(kProgramTypesSince, name),
                    if_permitted(prober, prober.program_type(type)));
}

/// Every type that libbpf has a name for.
template <typename Type, typename Name>
std::vector<Type> all_types(Name name_of) {
  std::vector<Type> types;
  for (int number = 1; name_of(static_cast<Type>(number)) != nullptr;
       ++number) {
    types.push_back(static_cast<Type>(number));
  }
  return types;
}

template <typename Type, typename Name>
std::optional<Type> type_named(Name name_of, std::string_view name) {
  for (const Type type : all_types<Type>(name_of)) {
    if (name == name_of(type)) {
      return type;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Feature> probe_features() {
  const LogCapture capture{Logger()};
  Prober prober;
  std::vector<Feature> features;
  for (const auto type : all_types<bpf_prog_type>(libbpf_bpf_prog_type_str)) {
    features.push_back(probe_program_type(prober, type));
  }
  for (const auto type : all_types<bpf_map_type>(libbpf_bpf_map_type_str)) {
    features.push_back(probe_map_type(prober, type));
  }
  for (const Row& row : kRows) {
    features.push_back(probe_row(prober, row));
  }
  return features;
}

Result<Feature> probe_feature(std::string_view name) {
  const LogCapture capture{Logger()};
  Prober prober;
  if (const auto* const row = std::ranges::find(kRows, name, &Row::name);
      row != kRows.end()) {
    return probe_row(prober, *row);
  }
  if (const auto type =
          type_named<bpf_map_type>(libbpf_bpf_map_type_str, name)) {
    return probe_map_type(prober, *type);
  }
  if (const auto type =
          type_named<bpf_prog_type>(libbpf_bpf_prog_type_str, name)) {
    return probe_program_type(prober, *type);
  }
  return Error(Errc::kNotFound,
               "no feature '" + printable(name) + "' is known");
}

bool is_known_feature(std::string_view name) {
  return std::ranges::find(kRows, name, &Row::name) != kRows.end() ||
         type_named<bpf_map_type>(libbpf_bpf_map_type_str, name) ||
         type_named<bpf_prog_type>(libbpf_bpf_prog_type_str, name);
}

}  // namespace wasmbpf::bpf
