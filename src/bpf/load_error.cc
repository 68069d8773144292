#include "bpf/load_error.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "bpf/errors.h"
#include "bpf/kinds.h"
#include "bpf/verifier_log.h"

namespace wasmbpf::bpf {
namespace {

/// NAME of the last warning that starts with `lead` + "NAME'"; empty if none.
std::string last_named(const std::vector<std::string>& warnings,
                       std::string_view lead) {
  for (auto line = warnings.rbegin(); line != warnings.rend(); ++line) {
    if (line->starts_with(lead)) {
      return line->substr(lead.size(),
                          line->find('\'', lead.size()) - lead.size());
    }
  }
  return "";
}

/// The map whose creation failed, if that is what ended the load.
const MapDeclaration* failed_map(const LoadFailure& failure) {
  constexpr std::string_view kLead = "map '";
  for (const std::string& line : failure.warnings) {
    if (!line.starts_with(kLead) || !line.contains("failed to create")) {
      continue;
    }
    const std::string name =
        line.substr(kLead.size(), line.find('\'', kLead.size()) - kLead.size());
    const auto map =
        std::ranges::find(failure.maps, name, &MapDeclaration::name);
    if (map != failure.maps.end()) {
      return &*map;
    }
  }
  return nullptr;
}

const ProgramInfo* find_program(const LoadFailure& failure,
                                std::string_view name) {
  const auto program =
      std::ranges::find(failure.programs, name, &ProgramInfo::name);
  return program == failure.programs.end() ? nullptr : &*program;
}

/// What libbpf said last, without the lines that only repeat that it failed.
std::string last_words(const std::vector<std::string>& warnings) {
  for (auto line = warnings.rbegin(); line != warnings.rend(); ++line) {
    if (!line->starts_with("failed to load object") &&
        !line->contains("failed to load: ") &&
        !line->contains("Couldn't load trivial BPF program") &&
        !line->contains("Failed to bump RLIMIT_MEMLOCK") &&
        !line->contains("permission error while running as root") &&
        !line->contains("BPF program load failed") &&
        !line->contains("PROG LOAD LOG")) {
      return line->substr(0, line->find('\n'));
    }
  }
  return "";
}

Error verifier_error(const VerifierRefusal& refusal, int err,
                     const std::optional<Explanation>& cause) {
  std::string message =
      "program '" + refusal.program +
      "' was refused by the kernel's verifier:" + refusal.last_lines;
  if (cause) {
    message += "\nlikely cause: " + cause->text;
  }
  return Error(cause ? cause->code : Errc::kVerifier, std::move(message), err)
      .with_log(refusal.log);
}

/// Errors that a kernel without the feature gives, too.
bool may_be_missing_feature(int err) {
  return err == EINVAL || err == ESRCH || err == ENOENT || err == EPERM ||
         err == EOPNOTSUPP || err == ENOSYS || err == 524;
}

}  // namespace

std::optional<Error> missing_feature(std::string_view what,
                                     std::string_view feature,
                                     const Probe& probe) {
  const auto found = probe(feature);
  if (!found || found->supported || found->blocked) {
    return std::nullopt;
  }
  std::string message = std::string(what) + " needs '" + found->name +
                        "', which this kernel does not offer: " + found->reason;
  if (!found->since.empty()) {
    message += " (Linux " + found->since + " and later)";
  }
  return Error(Errc::kUnsupported, std::move(message), EOPNOTSUPP);
}

Error load_error(const LoadFailure& failure, const Probe& probe) {
  const int err = std::abs(failure.err);
  if (const MapDeclaration* map = failed_map(failure)) {
    const std::string what = "map '" + map->name + "' (" + map->type_name + ")";
    if (auto missing = missing_feature(what, map->type_name, probe)) {
      return std::move(*missing);
    }
    return errno_error("create " + what, err);
  }

  const VerifierRefusal refusal = find_refusal(failure.warnings);
  std::string name = refusal.program;
  if (name.empty()) {
    name = last_named(failure.warnings, "prog '");
  }
  const ProgramInfo* const program = find_program(failure, name);
  const auto known = explain_log(refusal.log);
  const auto cause = known ? known : explain_messages(failure.warnings);

  // A known complaint of the verifier, or about the program's own code, says
  // more than a probe.
  const bool told = known || (cause && cause->code == Errc::kVerifier);
  if (program != nullptr && !told && may_be_missing_feature(err)) {
    const ProgramKind* const kind = find_kind(program->section);
    if (kind != nullptr) {
      const std::string what =
          "program '" + name + "' (" + program->section + ")";
      if (err == EINVAL && refusal.log.empty() && !kind->never.empty()) {
        return Error(Errc::kUnsupported,
                     what + " cannot be loaded: " + std::string(kind->never),
                     EOPNOTSUPP);
      }
      if (auto missing = missing_feature(what, kind->feature, probe)) {
        return std::move(*missing).with_log(refusal.log);
      }
    }
  }
  if (!refusal.log.empty()) {
    return verifier_error(refusal, err, cause);
  }

  std::string what = "load object '" + printable(failure.object) + "'";
  if (!name.empty()) {
    what += ", program '" + name + "'";
  }
  const std::string said = cause ? cause->line : last_words(failure.warnings);
  if (!said.empty()) {
    what += ": " + said;
  }
  if (!cause) {
    return errno_error(what, err);
  }
  return Error(cause->code, what + "\nlikely cause: " + cause->text,
               err < 4000 ? err : 0);
}

}  // namespace wasmbpf::bpf
