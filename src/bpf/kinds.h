#ifndef WASMBPF_BPF_KINDS_H_
#define WASMBPF_BPF_KINDS_H_

#include <span>
#include <string_view>

namespace wasmbpf::bpf {

/// How a program gets from loaded to attached.
enum class AttachBy {
  kSection,      ///< libbpf does it; the section says all
  kKprobe,       // Each of these down to kRawTracepoint: by its section if
  kKprobeMulti,  // that says all, else by a target string.
  kKsyscall,
  kUprobe,
  kUprobeMulti,
  kUsdt,
  kTracepoint,
  kRawTracepoint,
  kPerfEvent,  // From here on a target string is always needed.
  kXdp,
  kTc,
  kNetkit,
  kNetfilter,
  kCgroup,
  kNetns,
  kStructOps,  ///< through its map
  kNever,      ///< not in this version: `AttachRule::never` says why
};

/// One kind of program as its ELF section names it.
struct ProgramKind {
  /// As libbpf's own table has it: "name" is exact, "name+" stands for "name"
  /// and "name/anything".
  std::string_view section;
  AttachBy attach_by;
  /// Its row in the table of features (bpf/features.h).
  std::string_view feature;
  /// Why not, for kNever.
  std::string_view never = {};
};

/// What a target string of one way of attaching looks like.
struct TargetHelp {
  AttachBy attach_by;
  std::string_view grammar;
  std::string_view example;
};

/// Every section that libbpf 1.7 knows: a test compares the two tables.
std::span<const ProgramKind> program_kinds();

/// The kind of `section`; null if libbpf does not know it either.
const ProgramKind* find_kind(std::string_view section);

/// Whether `section` names its hook too: "kprobe/do_exit" does, "kprobe" not.
bool names_its_hook(std::string_view section);

/// Null for kinds that take no target.
const TargetHelp* target_help(AttachBy attach_by);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_KINDS_H_
