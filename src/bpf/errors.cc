#include "bpf/errors.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "bpf/features.h"

namespace wasmbpf::bpf {
namespace {

// The kernel's own number, which no libc knows, for "not supported".
constexpr int kKernelNotSupported = 524;

Errc code_for(int err) {
  if (err >= __LIBBPF_ERRNO__START) {
    return Errc::kInvalidArgument;  // a malformed object
  }
  switch (err) {
    case EPERM:
    case EACCES: return Errc::kPermission;
    case ENOENT: return Errc::kNotFound;
    case EBUSY: return Errc::kBusy;
    case EEXIST: return Errc::kExists;
    case E2BIG: return Errc::kTooLarge;
    case EINTR: return Errc::kInterrupted;
    case EINVAL: return Errc::kInvalidArgument;
    case ENOSYS:
    case EOPNOTSUPP: return Errc::kUnsupported;
    default: return Errc::kSystem;
  }
}

}  // namespace

std::string errno_text(int err) {
  std::array<char, 256> text{};
  libbpf_strerror(err, text.data(), text.size());
  return text.data();
}

Error errno_error(std::string_view what, int err) {
  err = std::abs(err) == kKernelNotSupported ? EOPNOTSUPP : std::abs(err);
  const Errc code = code_for(err);
  std::string message = std::string(what) + ": " + errno_text(err);
  if (code == Errc::kPermission) {
    message += "; " + permission_help();
  }
  return Error(code, std::move(message),
               err >= __LIBBPF_ERRNO__START ? 0 : err);
}

std::string permission_help() {
  const KernelFacts facts = kernel_facts();
  const auto has = [&](std::string_view capability) {
    return std::ranges::find(facts.capabilities, capability) !=
           facts.capabilities.end();
  };
  if (!has("cap_sys_admin") && !has("cap_bpf")) {
    return facts.effective_root
               ? "this root has no CAP_BPF (a container?): run it with "
                 "CAP_BPF, CAP_PERFMON and, for network programs, "
                 "CAP_NET_ADMIN"
               : "run as root (sudo), or with CAP_BPF, CAP_PERFMON and, for "
                 "network programs, CAP_NET_ADMIN";
  }
  if (!has("cap_sys_admin") && !has("cap_perfmon")) {
    return "tracing programs need CAP_PERFMON beside CAP_BPF";
  }
  if (!has("cap_sys_admin") && !has("cap_net_admin")) {
    return "network programs need CAP_NET_ADMIN beside CAP_BPF";
  }
  if (facts.in_user_namespace) {
    return "this is root of a user namespace only: run it outside of the "
           "container, or with a delegated BPF token";
  }
  if (facts.lockdown == "integrity" || facts.lockdown == "confidentiality") {
    return "kernel lockdown is '" + facts.lockdown +
           "', which forbids some kinds of programs";
  }
  return "the process has the capabilities, so kernel lockdown, a security "
         "module or a seccomp filter forbids it";
}

}  // namespace wasmbpf::bpf
