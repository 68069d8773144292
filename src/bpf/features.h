#ifndef WASMBPF_BPF_FEATURES_H_
#define WASMBPF_BPF_FEATURES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wasmbpf::bpf {

enum class FeatureKind { kProgramType, kMapType, kAttachKind, kOther };

/// One thing a kernel can or cannot do, as found by trying it.
struct Feature {
  FeatureKind kind;
  std::string name;  ///< "ringbuf", "fentry", "kprobe.multi"
  bool supported = false;
  /// It is not known whether it is supported: this process may not even try.
  bool blocked = false;
  std::string reason;  ///< why not, and what would help; empty if it is
  std::string since;   ///< first kernel version that can; "" if unknown
};

/// The facts around them.
struct KernelFacts {
  std::string release;       ///< uname -r
  std::string architecture;  ///< uname -m
  bool has_btf = false;      ///< /sys/kernel/btf/vmlinux is readable
  bool jit_enabled = false;
  std::string lockdown;  ///< none|integrity|confidentiality|unknown
  std::vector<std::string> security_modules;  ///< empty if not readable
  std::string tracefs;  ///< where it is mounted; empty if nowhere
  std::string bpffs;
  std::string cgroup2;
  bool effective_root = false;
  bool in_user_namespace = false;  ///< root here is not root of the machine
  std::vector<std::string> capabilities;  ///< of cap_bpf, cap_perfmon,
                                          ///< cap_net_admin, cap_sys_admin, ...
  int possible_cpus = 0;
  int unprivileged_bpf_disabled = -1;  ///< the sysctl; -1 if unknown
};

KernelFacts kernel_facts();

/// Probes everything in the project's table. Takes a few hundred milliseconds
/// and needs privileges: without them each row says so.
std::vector<Feature> probe_features();

/// One feature by name, for tests and for error messages.
/// Errors: kNotFound when the table has no such name.
Result<Feature> probe_feature(std::string_view name);

/// Whether `probe_feature` knows the name.
bool is_known_feature(std::string_view name);

/// "1.7.0": the libbpf inside.
std::string libbpf_version();

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_FEATURES_H_
