#ifndef WASMBPF_BPF_PROBES_H_
#define WASMBPF_BPF_PROBES_H_

#include <linux/bpf.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"

struct btf;

namespace wasmbpf::bpf {

/// What trying a feature came to: the kernel's errno, 0 when it worked.
struct Outcome {
  int err = 0;
  std::string reason = {};  ///< better than the errno's text; may be empty
  bool unknown = false;     ///< it could not be tried; `reason` says why

  static Outcome of(int err) { return {err < 0 ? -err : err}; }
};

/// What the probes of one run share. Everything they make lives for the length
/// of one probe only.
class Prober {
 public:
  Prober();
  ~Prober();

  /// Loads `return 0` as a program of that type; `hook` is the kernel function,
  /// typedef or struct in BTF that it is for, if it needs one.
  struct Load {
    bpf_prog_type type;
    std::uint32_t attach_type = 0;
    std::uint32_t flags = 0;
    std::string hook = {};
    std::uint32_t hook_kind = 0;  ///< BTF_KIND_*
  };
  Outcome load(const Load& what, UniqueFd& program);
  Outcome loads(const Load& what);

  // Each loads a program and attaches it where it does nothing.
  Outcome attach_tracepoint();
  Outcome attach_raw_tracepoint(const Load& what, const char* name);
  Outcome attach_traced(const Load& what);  ///< fentry, fexit, tp_btf, LSM
  Outcome attach_lsm(const Load& what);
  Outcome attach_iterator(std::uint32_t flags);
  Outcome attach_perf_event();
  /// `pmu` is "kprobe" or "uprobe".
  Outcome attach_probe(const char* pmu, bool return_probe,
                       std::uint32_t flags = 0);
  Outcome attach_kprobe_multi(std::uint32_t attach_type);
  Outcome attach_uprobe_multi(std::uint32_t attach_type);
  Outcome attach_to_loopback(const Load& what, std::uint32_t attach_type);
  Outcome attach_clsact();
  Outcome attach_netfilter();
  Outcome attach_to_network(const Load& what);
  Outcome attach_netkit();

  Outcome map_type(bpf_map_type type);
  Outcome program_type(bpf_prog_type type);
  Outcome helper(bpf_prog_type type, bpf_func_id id);
  Outcome struct_ops(const char* name);
  /// A kfunc or a type that only newer kernels have; `kind` is BTF_KIND_*.
  Outcome in_btf(const char* name, std::uint32_t kind);
  Outcome instructions(const bpf_insn* code, std::size_t count);
  Outcome mmapable_array();
  Outcome has_btf();
  Outcome jit();

 private:
  /// The BTF id of a kernel function or type; negative errno.
  int hook_id(const std::string& name, std::uint32_t kind);
  /// Runs `probe` on a thread in a network namespace of its own, whose
  /// interface 1 is a loopback nobody uses.
  Outcome in_private_network(const std::function<Outcome()>& probe);

  std::unique_ptr<btf, void (*)(btf*)> types_;
};

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_PROBES_H_
