#ifndef WASMBPF_BPF_OBJECT_H_
#define WASMBPF_BPF_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "bpf/link.h"
#include "bpf/map.h"

struct bpf_object;

namespace wasmbpf::bpf {

struct ObjectDeleter {
  void operator()(bpf_object* object) const;
};

struct ProgramInfo {
  std::string name;
  std::string section;
  std::uint32_t type = 0;        ///< enum bpf_prog_type
  std::string type_name;         ///< "tracing", as libbpf names it
  std::string attach_type_name;  ///< "trace_fentry"; empty if it has none
};

struct MapDeclaration {
  std::string name;
  std::uint32_t type = 0;
  std::string type_name;
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;
  std::uint32_t max_entries = 0;
};

class LoadedObject;

/// An eBPF object whose ELF is parsed and nothing of which is in the kernel
/// yet: the only phase in which it can be configured.
/// Threads: one caller at a time.
/// Trust: `elf` may come from a hostile guest.
class OpenObject {
 public:
  /// Copies what it needs of `elf`. `logger` gets libbpf's own messages (debug
  /// and up) of this object, also during load.
  /// Errors: kInvalidArgument with libbpf's reason.
  static Result<OpenObject> from_bytes(std::span<const std::byte> elf,
                                       const std::string& name, Logger logger);

  std::vector<ProgramInfo> programs() const;
  std::vector<MapDeclaration> maps() const;

  /// Entries; bytes for a ring buffer.
  /// Errors: kNotFound, kInvalidArgument.
  Status set_max_entries(const std::string& map, std::uint32_t entries);
  Status set_autoload(const std::string& program, bool load);
  /// Writes the initial value of a global variable.
  /// Errors: kNotFound, kInvalidArgument when the size differs.
  Status set_global(const std::string& variable,
                    std::span<const std::byte> value);

  /// Creates the maps and loads the programs.
  /// Errors: kVerifier (message: program, last useful lines, likely cause; log:
  /// the whole verifier log), kUnsupported (feature and what it needs),
  /// kPermission, kSystem.
  Result<LoadedObject> load() &&;

 private:
  OpenObject(std::unique_ptr<bpf_object, ObjectDeleter> object, Logger logger);

  std::unique_ptr<bpf_object, ObjectDeleter> object_;
  Logger logger_;
};

/// An object whose maps and programs are in the kernel. Links made by it must
/// be destroyed first; maps handed out live on their own. Threads: one caller
/// at a time.
class LoadedObject {
 public:
  std::vector<ProgramInfo> programs() const;
  std::vector<std::string> map_names() const;

  /// Errors: kNotFound, kSystem.
  Result<Map> map(const std::string& name) const;

  /// The name that the object gives to the map that `map` finds by `name`:
  /// libbpf knows sections with globals by two.
  std::string declared_name(const std::string& name) const;

  /// The facts of what `attach` would attach: the program `name`, or the
  /// struct_ops map of that name (with "struct_ops" as its section).
  /// Errors: kNotFound.
  Result<ProgramInfo> attachable(const std::string& name) const;

  /// Attaches the program `name` (or the struct_ops map of that name).
  ///
  /// `target` empty: by its section, for everything that libbpf attaches by
  /// itself. Else the target string of its kind (bpf/target.h): an interface
  /// for xdp, tc, tcx and netkit, a path for cgroups, a perf event, a binary
  /// and symbol for uprobes, ... Where the section says all already, a target
  /// that does not parse is ignored with a debug line, as older hosts did.
  /// Several links can come of one attachment (perf_event: one a CPU).
  /// Errors: kNotFound (program, interface, path, symbol), kInvalidArgument
  /// (the kind needs a target, or its grammar), kUnsupported, kPermission,
  /// kSystem.
  Result<std::vector<Link>> attach(const std::string& name,
                                   const std::string& target);

  /// Failed reservations that the eBPF side counted for ring buffer `map` (with
  /// the macros of wasm_bpf/events.h); none where the object does not count.
  Result<std::optional<std::uint64_t>> counted_losses(
      const std::string& map) const;

 private:
  friend class OpenObject;
  LoadedObject(std::unique_ptr<bpf_object, ObjectDeleter> object,
               Logger logger);

  std::unique_ptr<bpf_object, ObjectDeleter> object_;
  Logger logger_;
};

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_OBJECT_H_
