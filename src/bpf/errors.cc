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

std::string printable_lines(std::string_view text) {
  std::string result(text);
  int expected = 0;   // bytes that the UTF-8 sequence under way still has
  int first_low = 0;  // the lowest value that the next of them may have
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (expected > 0 && byte >= 0x80 && byte < 0xc0) {
      if (byte < first_low) {
        c = '?';
      }
      first_low = 0;
      --expected;
      continue;
    }
    expected = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0;
    // U+0080 to U+009F are 0xc2 0x80 to 0x9f.
    first_low = byte == 0xc2 ? 0xa0 : 0;
    const bool bare_c1 = byte >= 0x80 && byte < 0xa0;
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f || bare_c1) {
      c = '?';
    }
  }
  return result;
}

std::string printable(std::string_view text) {
  std::string result = printable_lines(text);
  for (char& c : result) {
    if (c == '\n' || c == '\t') {
      c = ' ';
    }
  }
  return result;
}

}  // namespace wasmbpf::bpf
