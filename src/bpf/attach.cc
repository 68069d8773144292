#include "bpf/attach.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/printable.h"
#include "bpf/errors.h"
#include "bpf/features.h"
#include "bpf/load_error.h"
#include "bpf/object.h"

namespace wasmbpf::bpf {
namespace {

/// Tracepoints have their numbers there, patterns of functions their matches.
bool uses_tracefs(const AttachRequest& request) {
  const auto is_pattern = [](std::string_view text) {
    return text.find_first_of("*?") != std::string_view::npos;
  };
  return request.kind.attach_by == AttachBy::kTracepoint ||
         (request.kind.attach_by == AttachBy::kKprobeMulti &&
          (is_pattern(request.section) || is_pattern(request.target)));
}

/// What an errno means for this kind and can be helped; empty if nothing known.
std::string advice(const AttachRequest& request, int err) {
  switch (request.kind.attach_by) {
    case AttachBy::kTracepoint:
    case AttachBy::kRawTracepoint:
      return err == ENOENT || err == EINVAL
                 ? "no such tracepoint in this kernel (listed in "
                   "/sys/kernel/tracing/available_events)"
                 : "";
    case AttachBy::kKprobe:
    case AttachBy::kKprobeMulti:
    case AttachBy::kKsyscall:
      return err == ENOENT || err == EINVAL || err == EADDRNOTAVAIL ||
                     err == ESRCH
                 ? "no such function in this kernel, or one that may not be "
                   "probed (listed in "
                   "/sys/kernel/tracing/available_filter_functions)"
                 : "";
    case AttachBy::kUprobe:
    case AttachBy::kUprobeMulti:
      return err == ENOENT
                 ? "no such file, or no such symbol in it (nm -D FILE lists "
                   "them)"
                 : "";
    case AttachBy::kUsdt:
      return err == ENOENT
                 ? "no such file, or no such probe in it (readelf -n FILE "
                   "lists them)"
                 : "";
    case AttachBy::kXdp:
      return err == EBUSY || err == EEXIST
                 ? "another XDP program is on it (ip link shows it, 'ip link "
                   "set dev IFACE xdp off' removes it)"
                 : "";
    case AttachBy::kTc:
      return err == EEXIST ? "the program is on it already" : "";
    case AttachBy::kNetkit:
      return err == EEXIST  ? "the program is on it already"
             : err == ENXIO ? "it is no netkit interface"
                            : "";
    case AttachBy::kNetns:
      return err == E2BIG ? "the namespace has one of this kind already" : "";
    case AttachBy::kSection:
      return err == EBUSY ? "another program holds this hook" : "";
    default: return "";
  }
}

Result<Links> attach_by_section(const AttachRequest& request) {
  const AttachBy attach_by = request.kind.attach_by;
  if (attach_by == AttachBy::kUprobe || attach_by == AttachBy::kUprobeMulti ||
      attach_by == AttachBy::kUsdt) {
    const std::size_t path = request.section.find('/') + 1;
    const std::size_t colon = request.section.find(':', path);
    WASMBPF_TRY(
        check_probed_file(request, request.section.substr(path, colon - path)));
  }
  return one_link(request, bpf_program__attach(request.program),
                  " (" + request.section + ")");
}

/// By the section, or by the target where the section leaves the hook open.
Result<Links> attach_by_section_or_target(const AttachRequest& request,
                                          const Logger& logger) {
  const bool complete = names_its_hook(request.section);
  if (!complete && request.target.empty()) {
    return target_error(request, "it needs an attach target");
  }
  if (!complete || (!request.target.empty() && probe_target_parses(request))) {
    return attach_probe(request);
  }
  if (!request.target.empty()) {
    logger.debug("target '" + printable(request.target) + "' of program '" +
                 request.name + "' is ignored: its section '" +
                 request.section + "' says all");
  }
  return attach_by_section(request);
}

Result<Links> attach_kind(const AttachRequest& request, const Logger& logger) {
  const AttachBy attach_by = request.kind.attach_by;
  if (attach_by == AttachBy::kNever) {
    return Error(Errc::kUnsupported,
                 "program '" + request.name + "' (" + request.section +
                     ") cannot be attached: " + std::string(request.kind.never),
                 EOPNOTSUPP);
  }
  if (attach_by == AttachBy::kStructOps) {
    return Error(Errc::kInvalidArgument,
                 "program '" + request.name +
                     "' is a part of a struct_ops map: attach the map, by its "
                     "name");
  }
  if (attach_by == AttachBy::kSection) {
    if (!request.target.empty()) {
      logger.debug("target '" + printable(request.target) + "' of program '" +
                   request.name + "' is ignored: its section '" +
                   request.section + "' says all");
    }
    return attach_by_section(request);
  }
  if (attach_by < AttachBy::kPerfEvent) {
    return attach_by_section_or_target(request, logger);
  }
  if (request.target.empty()) {
    return target_error(request, "it needs an attach target");
  }
  switch (attach_by) {
    case AttachBy::kPerfEvent: return attach_perf_event(request);
    case AttachBy::kXdp: return attach_xdp(request);
    case AttachBy::kTc: return attach_tc(request);
    case AttachBy::kNetkit: return attach_netkit(request);
    case AttachBy::kNetfilter: return attach_netfilter(request);
    case AttachBy::kCgroup: return attach_cgroup(request);
    case AttachBy::kNetns: return attach_netns(request);
    default: break;
  }
  return Error(Errc::kInternal, "no way to attach " + request.section);
}

Result<Links> attach_struct_ops(bpf_map* map, const LogCapture& capture) {
  const std::string name = printable(bpf_map__name(map));
  const std::string what = "attach struct_ops map '" + name + "'";
  bpf_link* const link = bpf_map__attach_struct_ops(map);
  if (link == nullptr) {
    const int err = errno;
    const std::string said = capture.last_warning();
    return errno_error(said.empty() ? what : what + ": " + said, err);
  }
  Links links;
  links.emplace_back(link);
  return links;
}

}  // namespace

Result<Links> one_link(const AttachRequest& request, bpf_link* link,
                       const std::string& place) {
  if (link == nullptr) {
    const int err = errno;  // first, before anything can overwrite it
    return attach_error(request, err, place);
  }
  Links links;
  links.emplace_back(link);
  return links;
}

Error attach_error(const AttachRequest& request, int err,
                   const std::string& place) {
  err = std::abs(err);
  const std::string what = "attach program '" + request.name + "'" + place;
  const bool kernel_may_lack_it =
      err != EBUSY && err != EEXIST && err != ENOMEM && err != EMFILE;
  if (uses_tracefs(request) && kernel_may_lack_it &&
      kernel_facts().tracefs.empty()) {
    return Error(Errc::kNotFound,
                 what +
                     ": tracefs is not mounted: mount -t tracefs tracefs "
                     "/sys/kernel/tracing",
                 ENOENT);
  }
  if (kernel_may_lack_it) {
    if (auto missing =
            missing_feature(what, request.kind.feature, probe_feature)) {
      return std::move(*missing);
    }
  }
  const std::string help = advice(request, err);
  const std::string said = request.capture.last_warning();
  std::string text = what;
  if (!help.empty()) {
    text += ": " + help;
  } else if (!said.empty()) {
    text += ": " + said;
  }
  return errno_error(text, err);
}

Error target_error(const AttachRequest& request, const std::string& what) {
  std::string message =
      "program '" + request.name + "' (" + request.section + "): " + what;
  if (const TargetHelp* help = target_help(request.kind.attach_by)) {
    message += ": " + std::string(help->grammar) + ", for example '" +
               std::string(help->example) + "'";
  }
  return Error(Errc::kInvalidArgument, std::move(message));
}

Result<std::vector<Link>> LoadedObject::attach(const std::string& name,
                                               const std::string& target) {
  const LogCapture capture(logger_);
  WASMBPF_TRY(attachable(name));
  const bpf_program* const program =
      bpf_object__find_program_by_name(object_.get(), name.c_str());
  if (program == nullptr) {
    return attach_struct_ops(
        bpf_object__find_map_by_name(object_.get(), name.c_str()), capture);
  }
  const std::string section = printable(bpf_program__section_name(program));
  if (bpf_program__fd(program) < 0) {
    return Error(Errc::kInvalidArgument,
                 "program '" + name + "' (" + section +
                     ") was not loaded, because its autoload is off");
  }
  const ProgramKind* const kind = find_kind(section);
  if (kind == nullptr) {
    return Error(Errc::kUnsupported, "program '" + name + "': section '" +
                                         section + "' is of no known kind");
  }
  return attach_kind({program, *kind, name, section, target, capture}, logger_);
}

}  // namespace wasmbpf::bpf
