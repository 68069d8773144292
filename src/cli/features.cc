// wasm-bpf features: what this kernel can do, and what is missing for what.
#include "bpf/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/verbs.h"

namespace wasmbpf::cli {
namespace {

struct KindRow {
  bpf::FeatureKind kind;
  const char* json_name;
  const char* title;
};
constexpr std::array kKinds{
    KindRow{bpf::FeatureKind::kProgramType, "program_type", "Program types"},
    KindRow{bpf::FeatureKind::kMapType, "map_type", "Map types"},
    KindRow{bpf::FeatureKind::kAttachKind, "attach_kind", "Attach kinds"},
    KindRow{bpf::FeatureKind::kOther, "other", "Other"},
};

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Words with commas, in lines of 80 columns that begin with `indent`.
std::string wrap(const std::vector<std::string>& words,
                 std::string_view indent) {
  constexpr std::size_t kWidth = 80;
  std::string text;
  std::size_t column = indent.size();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? "," : "");
    if (i > 0 && column + 1 + word.size() > kWidth) {
      text += "\n" + std::string(indent);
      column = indent.size();
    } else if (i > 0) {
      text += " ";
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text;
}

/// Whether kernel `release` ("6.12.3-amd64") is older than `since` ("6.6").
bool is_older(const std::string& release, const std::string& since) {
  const auto version = [](const std::string& text) {
    int major = 0;
    int minor = 0;
    std::sscanf(text.c_str(), "%d.%d", &major, &minor);
    return std::pair(major, minor);
  };
  return !since.empty() && version(release) < version(since);
}

std::string or_not_mounted(const std::string& path) {
  return path.empty() ? "not mounted" : path;
}

/// What a person should do about the facts, most useful first.
std::vector<std::string> advice(const bpf::KernelFacts& facts) {
  std::vector<std::string> lines;
  const auto has = [&](const char* capability) {
    return std::ranges::find(facts.capabilities, capability) !=
           facts.capabilities.end();
  };
  if (!has("cap_sys_admin") && !(has("cap_bpf") && has("cap_perfmon"))) {
    lines.push_back(
        "Run as root, or with CAP_BPF, CAP_PERFMON and, for "
        "network programs, CAP_NET_ADMIN: without them most "
        "programs are refused.");
  }
  if (!facts.has_btf) {
    lines.push_back(
        "This kernel has no BTF (/sys/kernel/btf/vmlinux): CO-RE, "
        "tp_btf, fentry, LSM and iterators will not load.");
  }
  if (facts.tracefs.empty()) {
    lines.push_back(
        "tracefs is not mounted: tracepoints and kprobes need "
        "'mount -t tracefs tracefs /sys/kernel/tracing'.");
  }
  if (facts.bpffs.empty()) {
    lines.push_back(
        "bpffs is not mounted: pinning needs "
        "'mount -t bpf bpf /sys/fs/bpf'.");
  }
  if (facts.lockdown == "confidentiality") {
    lines.push_back(
        "Kernel lockdown is 'confidentiality': kprobes and reads "
        "of kernel memory are refused.");
  }
  return lines;
}

nlohmann::json to_json(const bpf::KernelFacts& facts,
                       const std::vector<bpf::Feature>& features) {
  nlohmann::json json = {
      {"kernel",
       {{"release", facts.release},
        {"architecture", facts.architecture},
        {"btf", facts.has_btf},
        {"jit", facts.jit_enabled},
        {"lockdown", facts.lockdown},
        {"security_modules", facts.security_modules},
        {"tracefs", facts.tracefs},
        {"bpffs", facts.bpffs},
        {"cgroup2", facts.cgroup2},
        {"root", facts.effective_root},
        {"capabilities", facts.capabilities},
        {"possible_cpus", facts.possible_cpus},
        {"unprivileged_bpf_disabled", facts.unprivileged_bpf_disabled}}},
      {"libbpf", bpf::libbpf_version()},
      {"features", nlohmann::json::array()},
      {"advice", advice(facts)}};
  for (const bpf::Feature& feature : features) {
    const auto kind = std::ranges::find(kKinds, feature.kind, &KindRow::kind);
    json["features"].push_back({{"kind", kind->json_name},
                                {"name", feature.name},
                                {"supported", feature.supported},
                                {"reason", feature.reason},
                                {"since", feature.since}});
  }
  return json;
}

void print_kind(const KindRow& row, const std::string& release,
                const std::vector<bpf::Feature>& features) {
  std::vector<std::string> yes;
  std::vector<const bpf::Feature*> no;
  for (const bpf::Feature& feature : features) {
    if (feature.kind != row.kind) {
      continue;
    }
    if (feature.supported) {
      yes.push_back(feature.name);
    } else {
      no.push_back(&feature);
    }
  }
  fmt::print("\n{}: {} of {}\n  yes: {}\n", row.title, yes.size(),
             yes.size() + no.size(), wrap(yes, "       "));
  for (const bpf::Feature* feature : no) {
    fmt::print("  no:  {:<20} {}{}\n", feature->name, feature->reason,
               is_older(release, feature->since)
                   ? fmt::format(" (Linux {} and later)", feature->since)
                   : "");
  }
}

void print_text(const bpf::KernelFacts& facts,
                const std::vector<bpf::Feature>& features) {
  fmt::print("Kernel {} on {}, libbpf {}\n", facts.release, facts.architecture,
             bpf::libbpf_version());
  fmt::print("  BTF {}, JIT {}, lockdown {}, {} possible CPUs\n",
             facts.has_btf ? "yes" : "no", facts.jit_enabled ? "on" : "off",
             facts.lockdown, facts.possible_cpus);
  fmt::print("  security modules: {}\n", facts.security_modules.empty()
                                             ? "not readable"
                                             : join(facts.security_modules));
  fmt::print("  tracefs: {}; bpffs: {}; cgroup2: {}\n",
             or_not_mounted(facts.tracefs), or_not_mounted(facts.bpffs),
             or_not_mounted(facts.cgroup2));
  fmt::print("  capabilities: {}\n", facts.capabilities.empty()
                                         ? "none that matter"
                                         : join(facts.capabilities));
  for (const KindRow& row : kKinds) {
    print_kind(row, facts.release, features);
  }
  const auto lines = advice(facts);
  if (!lines.empty()) {
    fmt::print("\nWhat to do\n");
  }
  for (const std::string& line : lines) {
    fmt::print("  - {}\n", line);
  }
}

}  // namespace

Action declare_features(CLI::App& app) {
  app.footer(
      "Tries each feature on the running kernel; nothing is judged by its "
      "version number.\nTakes up to a second or two. Without privileges most "
      "rows say so.");
  return [](const Output& output) {
    const bpf::KernelFacts facts = bpf::kernel_facts();
    const std::vector<bpf::Feature> features = bpf::probe_features();
    if (output.json) {
      fmt::print("{}\n", to_json(facts, features).dump());
    } else {
      print_text(facts, features);
    }
    return static_cast<int>(kDone);
  };
}

}  // namespace wasmbpf::cli
