#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpf/features.h"

namespace wasmbpf::bpf {
namespace {

/// The first line of a file; empty if it cannot be read.
std::string first_line(const char* path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, separator);) {
    words.push_back(word);
  }
  return words;
}

/// Where the first file system of `type` is mounted; empty if nowhere.
std::string mount_point(std::string_view type) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device;
    std::string path;
    std::string kind;
    if (fields >> device >> path >> kind && kind == type) {
      return path;
    }
  }
  return "";
}

/// "none [integrity] confidentiality"; the brackets say which.
std::string lockdown_mode() {
  const std::string line = first_line("/sys/kernel/security/lockdown");
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']');
  if (open == std::string::npos || close == std::string::npos) {
    return "unknown";
  }
  return line.substr(open + 1, close - open - 1);
}

/// The active security modules, from securityfs or, since Linux 6.8, from a
/// system call that needs no mount.
std::vector<std::string> active_security_modules() {
  const std::string line = first_line("/sys/kernel/security/lsm");
  if (!line.empty()) {
    return split(line, ',');
  }
  constexpr long kListModules = 461;  // lsm_list_modules, the same everywhere
  constexpr std::array<std::pair<std::uint64_t, const char*>, 14> kNames{{
      {100, "capability"},
      {101, "selinux"},
      {102, "smack"},
      {103, "tomoyo"},
      {104, "apparmor"},
      {105, "yama"},
      {106, "loadpin"},
      {107, "safesetid"},
      {108, "lockdown"},
      {109, "bpf"},
      {110, "landlock"},
      {111, "ima"},
      {112, "evm"},
      {113, "ipe"},
  }};
  std::array<std::uint64_t, 32> ids{};
  std::uint32_t size = sizeof ids;
  const long count = ::syscall(kListModules, ids.data(), &size, 0);
  std::vector<std::string> modules;
  for (long i = 0; i < count; ++i) {
    const auto* const name =
        std::ranges::find(kNames, ids[static_cast<std::size_t>(i)],
                          [](const auto& pair) { return pair.first; });
    if (name != kNames.end()) {
      modules.emplace_back(name->second);
    }
  }
  return modules;
}

std::vector<std::string> effective_capabilities() {
  constexpr std::array<std::pair<unsigned, const char*>, 8> kCapabilities{{
      {12, "cap_net_admin"},
      {13, "cap_net_raw"},
      {19, "cap_sys_ptrace"},
      {21, "cap_sys_admin"},
      {24, "cap_sys_resource"},
      {34, "cap_syslog"},
      {38, "cap_perfmon"},
      {39, "cap_bpf"},
  }};
  std::ifstream status("/proc/thread-self/status");
  std::uint64_t effective = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      std::istringstream(line.substr(7)) >> std::hex >> effective;
    }
  }
  std::vector<std::string> names;
  for (const auto& [bit, name] : kCapabilities) {
    if ((effective >> bit & 1) != 0) {
      names.emplace_back(name);
    }
  }
  return names;
}

/// The first user namespace maps every id to itself.
bool in_user_namespace() {
  std::istringstream map(first_line("/proc/self/uid_map"));
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  return static_cast<bool>(map >> inside >> outside >> count) &&
         (inside != 0 || outside != 0 || count != 0xffffffff);
}

int number_or(const std::string& text, int otherwise) {
  int value = 0;
  return std::istringstream(text) >> value ? value : otherwise;
}

}  // namespace

KernelFacts kernel_facts() {
  KernelFacts facts;
  utsname name{};
  if (::uname(&name) == 0) {
    facts.release = name.release;
    facts.architecture = name.machine;
  }
  facts.has_btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  facts.jit_enabled =
      number_or(first_line("/proc/sys/net/core/bpf_jit_enable"), 0) > 0;
  facts.lockdown = lockdown_mode();
  facts.security_modules = active_security_modules();
  facts.tracefs = mount_point("tracefs");
  facts.bpffs = mount_point("bpf");
  facts.cgroup2 = mount_point("cgroup2");
  facts.effective_root = ::geteuid() == 0;
  facts.in_user_namespace = in_user_namespace();
  facts.capabilities = effective_capabilities();
  facts.possible_cpus = std::max(libbpf_num_possible_cpus(), 0);
  facts.unprivileged_bpf_disabled =
      number_or(first_line("/proc/sys/kernel/unprivileged_bpf_disabled"), -1);
  return facts;
}

std::string libbpf_version() {
  // libbpf tells its major and minor number only; the vendored source is 1.7.0.
  std::string version = libbpf_version_string();
  return version.substr(version.starts_with('v') ? 1 : 0) + ".0";
}

}  // namespace wasmbpf::bpf
