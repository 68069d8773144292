#include "bpf/probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bpf/features.h"
#include "bpf/options.h"

namespace wasmbpf::bpf {
namespace {

// Rarely called, on every kernel since 5.8, and free to be probed.
constexpr const char* kQuietFunction = "security_task_setnice";
constexpr const char* kQuietLsmHook = "bpf_lsm_task_setnice";
constexpr const char* kQuietTracepoint = "sched_process_exit";
constexpr const char* kQuietTracepointType = "btf_trace_sched_process_exit";
constexpr int kLoopback = 1;  // in a new network namespace

constexpr std::array<bpf_insn, 2> kReturnZero{
    bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
             .dst_reg = BPF_REG_0,
             .src_reg = 0,
             .off = 0,
             .imm = 0},
    bpf_insn{.code = BPF_JMP | BPF_EXIT,
             .dst_reg = 0,
             .src_reg = 0,
             .off = 0,
             .imm = 0}};

Outcome last_error() { return Outcome::of(errno); }

Outcome fail(int err, std::string reason) { return {err, std::move(reason)}; }

Outcome untried(std::string reason) {
  return {ENOENT, std::move(reason), true};
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::uint64_t value = 0;
  std::ifstream file(path);
  if (file >> value) {
    return value;
  }
  return std::nullopt;
}

UniqueFd open_perf_event(perf_event_attr& attr, int pid, int cpu) {
  attr.size = sizeof attr;
  return UniqueFd(static_cast<int>(::syscall(SYS_perf_event_open, &attr, pid,
                                             cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

/// Attaches the way every kernel knows.
Outcome attach_to_event(perf_event_attr attr, int program) {
  const UniqueFd event = open_perf_event(attr, -1, 0);
  if (!event || ::ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program) != 0) {
    return last_error();
  }
  return {};
}

/// A libbpf probe's answer: 1, 0, or a negative errno.
Outcome libbpf_answer(int answer) {
  if (answer > 0) {
    return {};
  }
  return Outcome::of(answer == 0 ? EINVAL : answer);
}

}  // namespace

Prober::Prober() : types_(nullptr, btf__free) {}
Prober::~Prober() = default;

int Prober::hook_id(const std::string& name, std::uint32_t kind) {
  if (types_ == nullptr) {
    types_.reset(btf__load_vmlinux_btf());
    if (types_ == nullptr) {
      return -errno;
    }
  }
  return btf__find_by_name_kind(types_.get(), name.c_str(), kind);
}

Outcome Prober::load(const Load& what, UniqueFd& program) {
  auto options = no_options<bpf_prog_load_opts>();
  options.expected_attach_type = static_cast<bpf_attach_type>(what.attach_type);
  options.prog_flags = what.flags;
  if (!what.hook.empty()) {
    const int id = hook_id(what.hook, what.hook_kind);
    if (id < 0) {
      return fail(-id, types_ == nullptr
                           ? "this kernel has no BTF"
                           : "its BTF has no '" + what.hook + "'");
    }
    options.attach_btf_id = static_cast<std::uint32_t>(id);
  }
  program.reset(bpf_prog_load(what.type, "probe", "GPL", kReturnZero.data(),
                              kReturnZero.size(), &options));
  return program ? Outcome{} : last_error();
}

Outcome Prober::loads(const Load& what) {
  UniqueFd program;
  return load(what, program);
}

Outcome Prober::attach_tracepoint() {
  const std::string tracefs = kernel_facts().tracefs;
  if (tracefs.empty()) {
    return untried(
        "tracefs is not mounted (mount -t tracefs tracefs "
        "/sys/kernel/tracing)");
  }
  const auto id =
      number_in(tracefs + "/events/sched/" + kQuietTracepoint + "/id");
  if (!id) {
    return fail(ENOENT,
                "tracefs has no event sched:" + std::string(kQuietTracepoint));
  }
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_TRACEPOINT}, program);
      outcome.err != 0) {
    return outcome;
  }
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.config = *id;
  return attach_to_event(attr, program.get());
}

Outcome Prober::attach_raw_tracepoint(const Load& what, const char* name) {
  UniqueFd program;
  if (Outcome outcome = load(what, program); outcome.err != 0) {
    return outcome;
  }
  const UniqueFd link(bpf_raw_tracepoint_open(name, program.get()));
  return link ? Outcome{} : last_error();
}

Outcome Prober::attach_traced(const Load& what) {
  Load hooked = what;
  if (hooked.hook.empty()) {
    hooked.hook = kQuietFunction;
    hooked.hook_kind = BTF_KIND_FUNC;
  }
  return attach_raw_tracepoint(hooked, nullptr);
}

Outcome Prober::attach_lsm(const Load& what) {
  const auto modules = kernel_facts().security_modules;
  if (std::ranges::find(modules, "bpf") == modules.end()) {
    return modules.empty()
               ? untried(
                     "the list of security modules cannot be read (mount "
                     "-t securityfs securityfs /sys/kernel/security)")
               : fail(EOPNOTSUPP,
                      "the security module 'bpf' is not active: boot with "
                      "lsm=...,bpf");
  }
  Load hooked = what;
  if (hooked.hook.empty()) {
    hooked.hook = kQuietLsmHook;
  }
  hooked.hook_kind = BTF_KIND_FUNC;
  // Programs of cgroups need a cgroup to attach to: loading has to do.
  return what.attach_type == BPF_LSM_CGROUP
             ? loads(hooked)
             : attach_raw_tracepoint(hooked, nullptr);
}

Outcome Prober::attach_iterator(std::uint32_t flags) {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, flags,
                              "bpf_iter_task", BTF_KIND_FUNC},
                             program);
      outcome.err != 0) {
    return outcome;
  }
  const UniqueFd link(
      bpf_link_create(program.get(), 0, BPF_TRACE_ITER, nullptr));
  return link ? Outcome{} : last_error();
}

Outcome Prober::attach_perf_event() {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_PERF_EVENT}, program);
      outcome.err != 0) {
    return outcome;
  }
  perf_event_attr attr{};
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.freq = 1;
  attr.sample_freq = 1;
  return attach_to_event(attr, program.get());
}

Outcome Prober::attach_probe(const char* pmu, bool return_probe,
                             std::uint32_t flags) {
  const std::string device =
      "/sys/bus/event_source/devices/" + std::string(pmu);
  const auto type = number_in(device + "/type");
  if (!type) {
    return fail(EOPNOTSUPP, "the kernel was built without " + std::string(pmu) +
                                "s (no " + device + ")");
  }
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_KPROBE, 0, flags}, program);
      outcome.err != 0) {
    return outcome;
  }
  perf_event_attr attr{};
  attr.type = static_cast<std::uint32_t>(*type);
  attr.config = return_probe ? 1 : 0;
  // The ELF header of this very program: in no executable page.
  attr.config1 = reinterpret_cast<std::uint64_t>(
      std::string_view(pmu) == "kprobe" ? kQuietFunction : "/proc/self/exe");
  return attach_to_event(attr, program.get());
}

Outcome Prober::attach_kprobe_multi(std::uint32_t attach_type) {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_KPROBE, attach_type}, program);
      outcome.err != 0) {
    return outcome;
  }
  const char* symbol = kQuietFunction;
  auto options = no_options<bpf_link_create_opts>();
  options.kprobe_multi.syms = &symbol;
  options.kprobe_multi.cnt = 1;
  const UniqueFd link(bpf_link_create(
      program.get(), 0, static_cast<bpf_attach_type>(attach_type), &options));
  return link ? Outcome{} : last_error();
}

Outcome Prober::attach_uprobe_multi(std::uint32_t attach_type) {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_KPROBE, attach_type}, program);
      outcome.err != 0) {
    return outcome;
  }
  const unsigned long offset = 0;
  auto options = no_options<bpf_link_create_opts>();
  options.uprobe_multi.path = "/proc/self/exe";
  options.uprobe_multi.offsets = &offset;
  options.uprobe_multi.cnt = 1;
  const UniqueFd link(bpf_link_create(
      program.get(), 0, static_cast<bpf_attach_type>(attach_type), &options));
  return link ? Outcome{} : last_error();
}

Outcome Prober::in_private_network(const std::function<Outcome()>& probe) {
  Outcome outcome;
  std::thread([&] {
    outcome = ::unshare(CLONE_NEWNET) == 0 ? probe() : last_error();
  }).join();
  return outcome;
}

Outcome Prober::attach_to_loopback(const Load& what,
                                   std::uint32_t attach_type) {
  UniqueFd program;
  if (Outcome outcome = load(what, program); outcome.err != 0) {
    return outcome;
  }
  return in_private_network([&] {
    const UniqueFd link(
        bpf_link_create(program.get(), kLoopback,
                        static_cast<bpf_attach_type>(attach_type), nullptr));
    return link ? Outcome{} : last_error();
  });
}

Outcome Prober::attach_clsact() {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_SCHED_CLS}, program);
      outcome.err != 0) {
    return outcome;
  }
  return in_private_network([&] {
    auto hook = no_options<bpf_tc_hook>();
    hook.ifindex = kLoopback;
    hook.attach_point = BPF_TC_INGRESS;
    auto options = no_options<bpf_tc_opts>();
    options.prog_fd = program.get();
    const int created = bpf_tc_hook_create(&hook);
    return Outcome::of(created != 0 ? created : bpf_tc_attach(&hook, &options));
  });
}

Outcome Prober::attach_netfilter() {
  UniqueFd program;
  if (Outcome outcome = load({BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER}, program);
      outcome.err != 0) {
    return outcome;
  }
  return in_private_network([&] {
    auto options = no_options<bpf_link_create_opts>();
    options.netfilter.pf = 2;       // NFPROTO_IPV4
    options.netfilter.hooknum = 1;  // NF_INET_LOCAL_IN
    options.netfilter.priority = 1;
    const UniqueFd link(
        bpf_link_create(program.get(), 0, BPF_NETFILTER, &options));
    return link ? Outcome{} : last_error();
  });
}

Outcome Prober::attach_to_network(const Load& what) {
  UniqueFd program;
  if (Outcome outcome = load(what, program); outcome.err != 0) {
    return outcome;
  }
  return in_private_network([&] {
    const UniqueFd space(
        ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    const UniqueFd link(bpf_link_create(
        program.get(), space.get(),
        static_cast<bpf_attach_type>(what.attach_type), nullptr));
    return link ? Outcome{} : last_error();
  });
}

Outcome Prober::attach_netkit() {
  const Outcome outcome = attach_to_loopback(
      {BPF_PROG_TYPE_SCHED_CLS, BPF_NETKIT_PRIMARY}, BPF_NETKIT_PRIMARY);
  // A kernel with netkit says that the loopback is none.
  return outcome.err == ENXIO ? Outcome{} : outcome;
}

Outcome Prober::map_type(bpf_map_type type) {
  if (type == BPF_MAP_TYPE_STRUCT_OPS) {
    return struct_ops("tcp_congestion_ops");
  }
  return libbpf_answer(libbpf_probe_bpf_map_type(type, nullptr));
}

Outcome Prober::program_type(bpf_prog_type type) {
  switch (type) {  // those that libbpf judges by the text of a refusal
    case BPF_PROG_TYPE_STRUCT_OPS: return struct_ops("tcp_congestion_ops");
    case BPF_PROG_TYPE_TRACING:
      return loads(
          {type, BPF_TRACE_RAW_TP, 0, kQuietTracepointType, BTF_KIND_TYPEDEF});
    case BPF_PROG_TYPE_LSM:
      return loads({type, BPF_LSM_MAC, 0, kQuietLsmHook, BTF_KIND_FUNC});
    default: return libbpf_answer(libbpf_probe_bpf_prog_type(type, nullptr));
  }
}

Outcome Prober::helper(bpf_prog_type type, bpf_func_id id) {
  return libbpf_answer(libbpf_probe_bpf_helper(type, id, nullptr));
}

Outcome Prober::struct_ops(const char* name) {
  const int id =
      hook_id("bpf_struct_ops_" + std::string(name), BTF_KIND_STRUCT);
  if (id < 0) {
    return fail(-id, types_ == nullptr ? "this kernel has no BTF"
                                       : "its BTF has no struct_ops '" +
                                             std::string(name) + "'");
  }
  const btf_type* const type =
      btf__type_by_id(types_.get(), static_cast<std::uint32_t>(id));
  auto options = no_options<bpf_map_create_opts>();
  options.btf_vmlinux_value_type_id = static_cast<std::uint32_t>(id);
  // The kernel wants some BTF beside its own.
  const std::unique_ptr<btf, void (*)(btf*)> empty(btf__new_empty(), btf__free);
  btf__add_int(empty.get(), "int", 4, BTF_INT_SIGNED);
  if (const int err = btf__load_into_kernel(empty.get()); err != 0) {
    return Outcome::of(err);
  }
  options.btf_fd = static_cast<std::uint32_t>(btf__fd(empty.get()));
  const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, "probe", 4,
                                    type->size, 1, &options));
  return map ? Outcome{} : last_error();
}

Outcome Prober::in_btf(const char* name, std::uint32_t kind) {
  const int id = hook_id(name, kind);
  return id >= 0 ? Outcome{}
                 : fail(-id, types_ == nullptr
                                 ? "this kernel has no BTF"
                                 : "its BTF has no " + std::string(name));
}

Outcome Prober::instructions(const bpf_insn* code, std::size_t count) {
  const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe", "GPL",
                                       code, count, nullptr));
  return program ? Outcome{} : last_error();
}

Outcome Prober::mmapable_array() {
  auto options = no_options<bpf_map_create_opts>();
  options.map_flags = BPF_F_MMAPABLE;
  const UniqueFd map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, &options));
  return map ? Outcome{} : last_error();
}

Outcome Prober::has_btf() {
  return hook_id("task_struct", BTF_KIND_STRUCT) >= 0
             ? Outcome{}
             : fail(ENOENT,
                    "no /sys/kernel/btf/vmlinux (the kernel was built without "
                    "CONFIG_DEBUG_INFO_BTF)");
}

Outcome Prober::jit() {
  return kernel_facts().jit_enabled
             ? Outcome{}
             : fail(EOPNOTSUPP, "it is off (sysctl net.core.bpf_jit_enable=1)");
}

}  // namespace wasmbpf::bpf
