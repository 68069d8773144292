// Tracing programs whose hook is named at run time, and perf events.
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "base/unique_fd.h"
#include "bpf/attach.h"
#include "bpf/errors.h"
#include "bpf/options.h"
#include "bpf/target.h"

namespace wasmbpf::bpf {
namespace {

constexpr int kAnyProcess = -1;

bool is_return_probe(std::string_view section) {
  return section.starts_with("kret") || section.starts_with("uret");
}

std::string to(const AttachRequest& request) {
  return " to '" + printable(request.target) + "'";
}

Result<Links> attach_kprobe(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const KprobeTarget target,
                     parse_kprobe_target(request.target));
  auto options = no_options<bpf_kprobe_opts>();
  options.offset = target.offset;
  options.retprobe = is_return_probe(request.section);
  if (options.retprobe && target.offset != 0) {
    return target_error(request, "a return probe has no offset");
  }
  return one_link(request,
                  bpf_program__attach_kprobe_opts(
                      request.program, target.function.c_str(), &options),
                  to(request));
}

Result<Links> attach_kprobe_multi(const AttachRequest& request) {
  auto options = no_options<bpf_kprobe_multi_opts>();
  options.retprobe = is_return_probe(request.section);
  options.session = request.section.starts_with("kprobe.session");
  return one_link(request,
                  bpf_program__attach_kprobe_multi_opts(
                      request.program, request.target.c_str(), &options),
                  to(request));
}

Result<Links> attach_ksyscall(const AttachRequest& request) {
  auto options = no_options<bpf_ksyscall_opts>();
  options.retprobe = is_return_probe(request.section);
  return one_link(request,
                  bpf_program__attach_ksyscall(
                      request.program, request.target.c_str(), &options),
                  to(request));
}

Result<Links> attach_uprobe(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const UprobeTarget target,
                     parse_uprobe_target(request.target));
  WASMBPF_TRY(check_probed_file(request, target.binary));
  auto options = no_options<bpf_uprobe_opts>();
  options.retprobe = is_return_probe(request.section);
  // Anywhere but at a function's entry it would overwrite what is no return
  // address, and the probed process with it.
  if (options.retprobe && (target.offset != 0 || target.symbol.empty())) {
    return target_error(request, "a return probe has a symbol and no offset");
  }
  options.func_name = target.symbol.empty() ? nullptr : target.symbol.c_str();
  return one_link(request,
                  bpf_program__attach_uprobe_opts(
                      request.program, target.pid.value_or(kAnyProcess),
                      target.binary.c_str(), target.offset, &options),
                  to(request));
}

Result<Links> attach_uprobe_multi(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const UprobeTarget target,
                     parse_uprobe_target(request.target));
  WASMBPF_TRY(check_probed_file(request, target.binary));
  if (target.symbol.empty() || target.offset != 0) {
    return target_error(request, "it takes names, not offsets");
  }
  auto options = no_options<bpf_uprobe_multi_opts>();
  options.retprobe = is_return_probe(request.section);
  options.session = request.section.starts_with("uprobe.session");
  return one_link(request,
                  bpf_program__attach_uprobe_multi(
                      request.program, target.pid.value_or(kAnyProcess),
                      target.binary.c_str(), target.symbol.c_str(), &options),
                  to(request));
}

Result<Links> attach_usdt(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const UsdtTarget target,
                     parse_usdt_target(request.target));
  WASMBPF_TRY(check_probed_file(request, target.binary));
  return one_link(request,
                  bpf_program__attach_usdt(
                      request.program, target.pid.value_or(kAnyProcess),
                      target.binary.c_str(), target.provider.c_str(),
                      target.name.c_str(), nullptr),
                  to(request));
}

Result<Links> attach_tracepoint(const AttachRequest& request) {
  const std::size_t colon = request.target.find(':');
  // Both parts become a path below tracefs.
  if (colon == std::string::npos || colon == 0 ||
      colon + 1 == request.target.size() || request.target.contains('/')) {
    return target_error(request, "'" + printable(request.target) + "' is none");
  }
  return one_link(request,
                  bpf_program__attach_tracepoint(
                      request.program, request.target.substr(0, colon).c_str(),
                      request.target.substr(colon + 1).c_str()),
                  to(request));
}

/// "0-3,7" as the kernel writes lists of CPUs.
Result<std::vector<int>> online_cpus() {
  constexpr const char* kPath = "/sys/devices/system/cpu/online";
  std::string text;
  std::getline(std::ifstream(kPath), text);
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int first = 0;
    auto parsed = std::from_chars(at, end, first);
    int last = first;
    if (parsed.ptr < end && *parsed.ptr == '-') {
      parsed = std::from_chars(parsed.ptr + 1, end, last);
    }
    if (parsed.ec != std::errc()) {
      break;
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      cpus.push_back(cpu);
    }
    at = parsed.ptr + 1;  // behind the comma
  }
  if (cpus.empty()) {
    return Error(Errc::kSystem, "cannot read " + std::string(kPath));
  }
  return cpus;
}

Result<Link> sample(const AttachRequest& request, const PerfEventTarget& target,
                    int cpu) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;  // virtual machines have no other clock
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.freq = 1;
  attr.sample_freq = target.frequency;
  UniqueFd event(static_cast<int>(::syscall(SYS_perf_event_open, &attr,
                                            target.pid.value_or(kAnyProcess),
                                            cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) {
    const int err = errno;
    return attach_error(request, err,
                        to(request) + ": open a perf event" +
                            (cpu < 0 ? "" : " on CPU " + std::to_string(cpu)));
  }
  bpf_link* const link =
      bpf_program__attach_perf_event(request.program, event.get());
  if (link == nullptr) {
    const int err = errno;
    return attach_error(request, err, to(request));
  }
  event.release();  // the link closes it
  return Link(link);
}

}  // namespace

Status check_probed_file(const AttachRequest& request,
                         const std::string& path) {
  struct stat facts{};
  if (!path.contains('/') || ::stat(path.c_str(), &facts) != 0) {
    return {};  // libbpf looks a bare name up, or says what is wrong
  }
  return S_ISREG(facts.st_mode)
             ? Status()
             : Status(target_error(
                   request, "'" + printable(path) + "' is no regular file"));
}

bool probe_target_parses(const AttachRequest& request) {
  switch (request.kind.attach_by) {
    case AttachBy::kKprobe:
      return parse_kprobe_target(request.target).has_value();
    case AttachBy::kUprobe:
    case AttachBy::kUprobeMulti:
      return parse_uprobe_target(request.target).has_value();
    case AttachBy::kUsdt: return parse_usdt_target(request.target).has_value();
    default: return false;  // any word would do, so a full section wins
  }
}

Result<Links> attach_probe(const AttachRequest& request) {
  switch (request.kind.attach_by) {
    case AttachBy::kKprobe: return attach_kprobe(request);
    case AttachBy::kKprobeMulti: return attach_kprobe_multi(request);
    case AttachBy::kKsyscall: return attach_ksyscall(request);
    case AttachBy::kUprobe: return attach_uprobe(request);
    case AttachBy::kUprobeMulti: return attach_uprobe_multi(request);
    case AttachBy::kUsdt: return attach_usdt(request);
    case AttachBy::kTracepoint: return attach_tracepoint(request);
    case AttachBy::kRawTracepoint:
      return one_link(request,
                      bpf_program__attach_raw_tracepoint(
                          request.program, request.target.c_str()),
                      to(request));
    default: break;
  }
  return Error(Errc::kInternal, "no probe: " + request.section);
}

Result<Links> attach_perf_event(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const PerfEventTarget target,
                     parse_perf_event_target(request.target));
  WASMBPF_TRY_ASSIGN(std::vector<int> cpus, online_cpus());
  if (target.cpu) {
    if (std::ranges::find(cpus, *target.cpu) == cpus.end()) {
      return target_error(
          request, "CPU " + std::to_string(*target.cpu) + " is not online");
    }
    cpus = {*target.cpu};
  } else if (target.pid) {
    cpus = {-1};  // one event follows the process from CPU to CPU
  }
  Links links;
  for (const int cpu : cpus) {
    WASMBPF_TRY_ASSIGN(Link link, sample(request, target, cpu));
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace wasmbpf::bpf
