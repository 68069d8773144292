#include "bpf/object.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/printable.h"
#include "bpf/errors.h"
#include "bpf/features.h"
#include "bpf/globals.h"
#include "bpf/load_error.h"
#include "bpf/log_capture.h"
#include "bpf/object_checks.h"
#include "bpf/options.h"
#include "bpf/verifier_log.h"

namespace wasmbpf::bpf {
namespace {

std::string text_or_empty(const char* text) {
  return text != nullptr ? printable(text) : "";
}

ProgramInfo info_of(const bpf_program* program) {
  ProgramInfo info;
  info.name = text_or_empty(bpf_program__name(program));
  info.section = text_or_empty(bpf_program__section_name(program));
  info.type = bpf_program__type(program);
  info.type_name = text_or_empty(
      libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(info.type)));
  const bpf_attach_type attach = bpf_program__expected_attach_type(program);
  // 0 is both "cgroup_inet_ingress" and "this type has no such thing".
  if (attach != 0 || info.type == BPF_PROG_TYPE_CGROUP_SKB) {
    info.attach_type_name = text_or_empty(libbpf_bpf_attach_type_str(attach));
  }
  return info;
}

std::vector<ProgramInfo> programs_of(const bpf_object* object) {
  std::vector<ProgramInfo> all;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    all.push_back(info_of(program));
  }
  return all;
}

MapDeclaration declaration_of(const bpf_map* map) {
  MapDeclaration declaration;
  declaration.name = text_or_empty(bpf_map__name(map));
  declaration.type = bpf_map__type(map);
  declaration.type_name = text_or_empty(
      libbpf_bpf_map_type_str(static_cast<bpf_map_type>(declaration.type)));
  declaration.key_size = bpf_map__key_size(map);
  declaration.value_size = bpf_map__value_size(map);
  declaration.max_entries = bpf_map__max_entries(map);
  return declaration;
}

/// Ring buffers and perf arrays that are declared with the type of their
/// events, as cilium/ebpf's are: the kernel wants plain ones.
void drop_event_types(bpf_map* map) {
  if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF) {
    bpf_map__set_key_size(map, 0);
    bpf_map__set_value_size(map, 0);
  } else if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
    bpf_map__set_key_size(map, sizeof(std::uint32_t));
    bpf_map__set_value_size(map, sizeof(std::uint32_t));
  }
}

/// A pin would outlive its session, and its name is the guest's choice.
void drop_pin(bpf_map* map, const Logger& logger) {
  if (bpf_map__pin_path(map) == nullptr) {
    return;
  }
  logger.warning("map '" + text_or_empty(bpf_map__name(map)) +
                 "' asks to be pinned, which this version does not do: it "
                 "lives as long as the session");
  bpf_map__set_pin_path(map, nullptr);
}

/// Lets a link hold what a struct_ops map registers, where the kernel can
/// (6.4): without one it would stay registered if this process were killed.
void hold_by_link(bpf_map* map) {
  if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS ||
      (bpf_map__map_flags(map) & BPF_F_LINK) != 0) {
    return;
  }
  if (const auto known = probe_feature("struct_ops.link");
      known && known->supported) {
    bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_LINK);
  }
}

Error open_error(const LogCapture& capture, int err) {
  const auto cause = explain_messages(capture.warnings());
  std::string message = "not a usable eBPF object: ";
  if (cause) {
    message += cause->line + "\nlikely cause: " + cause->text;
  } else {
    message +=
        capture.warnings().empty() ? errno_text(err) : capture.last_warning();
  }
  // Whatever libbpf calls it, what is wrong are the caller's bytes.
  return Error(Errc::kInvalidArgument, std::move(message));
}

Error no_such(const char* what, const std::string& name) {
  return Error(Errc::kNotFound, "no " + std::string(what) + " '" +
                                    printable(name) + "' in the object");
}

}  // namespace

void ObjectDeleter::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

OpenObject::OpenObject(std::unique_ptr<bpf_object, ObjectDeleter> object,
                       Logger logger)
    : object_(std::move(object)), logger_(std::move(logger)) {}

Result<OpenObject> OpenObject::from_bytes(std::span<const std::byte> elf,
                                          const std::string& name,
                                          Logger logger) {
  const LogCapture capture(logger);
  // libbpf reads headers in place, and a guest's pointer may be odd.
  const std::vector<std::byte> aligned(elf.begin(), elf.end());
  WASMBPF_TRY(check_types(aligned));
  auto options = no_options<bpf_object_open_opts>();
  options.object_name = name.c_str();
  std::unique_ptr<bpf_object, ObjectDeleter> object(
      bpf_object__open_mem(aligned.data(), aligned.size(), &options));
  if (object == nullptr) {
    const int err = errno;
    return open_error(capture, err);
  }
  WASMBPF_TRY(check_opened(object.get()));
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object.get(), map)) != nullptr) {
    drop_event_types(map);
    drop_pin(map, logger);
    hold_by_link(map);
  }
  return OpenObject(std::move(object), std::move(logger));
}

std::vector<ProgramInfo> OpenObject::programs() const {
  return programs_of(object_.get());
}

std::vector<MapDeclaration> OpenObject::maps() const {
  std::vector<MapDeclaration> all;
  const bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object_.get(), map)) != nullptr) {
    all.push_back(declaration_of(map));
  }
  return all;
}

Status OpenObject::set_max_entries(const std::string& name,
                                   std::uint32_t entries) {
  bpf_map* const map =
      bpf_object__find_map_by_name(object_.get(), name.c_str());
  if (map == nullptr) {
    return no_such("map", name);
  }
  if (bpf_map__is_internal(map)) {
    return Error(Errc::kInvalidArgument,
                 "map '" + printable(name) +
                     "' holds global variables; it has one entry");
  }
  if (entries == 0) {
    return Error(Errc::kInvalidArgument,
                 "map '" + printable(name) + "': 0 entries");
  }
  const int err = bpf_map__set_max_entries(map, entries);
  if (err != 0) {
    return errno_error("size of map '" + printable(name) + "'", err);
  }
  return {};
}

Status OpenObject::set_autoload(const std::string& name, bool load) {
  bpf_program* const program =
      bpf_object__find_program_by_name(object_.get(), name.c_str());
  if (program == nullptr) {
    return no_such("program", name);
  }
  const int err = bpf_program__set_autoload(program, load);
  if (err != 0) {
    return errno_error("autoload of program '" + printable(name) + "'", err);
  }
  return {};
}

Status OpenObject::set_global(const std::string& name,
                              std::span<const std::byte> value) {
  const auto place = find_global(object_.get(), name);
  if (!place) {
    return no_such("global variable", name);
  }
  if (value.size() != place->size) {
    return Error(Errc::kInvalidArgument,
                 "global variable '" + printable(name) + "' has " +
                     std::to_string(place->size) + " bytes, not " +
                     std::to_string(value.size()));
  }
  std::size_t section_size = 0;
  void* const section = bpf_map__initial_value(place->map, &section_size);
  if (section == nullptr ||
      std::uint64_t{place->offset} + place->size > section_size) {
    return Error(Errc::kInvalidArgument, "global variable '" + printable(name) +
                                             "' lies outside its section");
  }
  std::memcpy(static_cast<std::byte*>(section) + place->offset, value.data(),
              value.size());
  return {};
}

Result<LoadedObject> OpenObject::load() && {
  const LogCapture capture(logger_);
  int err = bpf_object__prepare(object_.get());
  if (err == 0) {
    WASMBPF_TRY(check_prepared(object_.get()));
    err = bpf_object__load(object_.get());
  }
  if (err != 0) {
    return load_error({.object = text_or_empty(bpf_object__name(object_.get())),
                       .err = err,
                       .warnings = capture.warnings(),
                       .programs = programs(),
                       .maps = maps()},
                      probe_feature);
  }
  return LoadedObject(std::move(object_), logger_);
}

LoadedObject::LoadedObject(std::unique_ptr<bpf_object, ObjectDeleter> object,
                           Logger logger)
    : object_(std::move(object)), logger_(std::move(logger)) {}

std::vector<ProgramInfo> LoadedObject::programs() const {
  return programs_of(object_.get());
}

std::vector<std::string> LoadedObject::map_names() const {
  std::vector<std::string> names;
  const bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object_.get(), map)) != nullptr) {
    if (bpf_map__fd(map) >= 0) {  // optional struct_ops maps are not created
      names.push_back(text_or_empty(bpf_map__name(map)));
    }
  }
  return names;
}

Result<Map> LoadedObject::map(const std::string& name) const {
  const bpf_map* const map =
      bpf_object__find_map_by_name(object_.get(), name.c_str());
  if (map == nullptr || bpf_map__fd(map) < 0) {
    return no_such("map", name);
  }
  return Map::from_fd(bpf_map__fd(map));
}

std::string LoadedObject::declared_name(const std::string& name) const {
  return text_or_empty(
      bpf_map__name(bpf_object__find_map_by_name(object_.get(), name.c_str())));
}

Result<ProgramInfo> LoadedObject::attachable(const std::string& name) const {
  if (const bpf_program* const program =
          bpf_object__find_program_by_name(object_.get(), name.c_str())) {
    return info_of(program);
  }
  const bpf_map* const map =
      bpf_object__find_map_by_name(object_.get(), name.c_str());
  if (map == nullptr || bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS) {
    return no_such("program", name);
  }
  return ProgramInfo{name, "struct_ops", BPF_PROG_TYPE_STRUCT_OPS, "struct_ops",
                     ""};
}

Result<std::optional<std::uint64_t>> LoadedObject::counted_losses(
    const std::string& map) const {
  const auto place = find_global(object_.get(), "wasm_bpf_lost_" + map);
  std::uint64_t count = 0;
  if (!place || place->section != ".data.wasm_bpf" ||
      place->size != sizeof count) {
    return std::optional<std::uint64_t>();
  }
  WASMBPF_TRY_ASSIGN(const Map section, Map::from_fd(bpf_map__fd(place->map)));
  std::vector<std::byte> value(section.info().transfer_size);
  if (std::uint64_t{place->offset} + sizeof count > value.size()) {
    return std::optional<std::uint64_t>();
  }
  const std::uint32_t key = 0;
  WASMBPF_TRY(section.lookup(std::as_bytes(std::span(&key, 1)), value, 0));
  std::memcpy(&count, value.data() + place->offset, sizeof count);
  return std::optional(count);
}

}  // namespace wasmbpf::bpf
