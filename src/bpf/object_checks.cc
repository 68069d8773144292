#include "bpf/object_checks.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "bpf/errors.h"

namespace wasmbpf::bpf {
namespace {

using ElfPtr = std::unique_ptr<Elf, int (*)(Elf*)>;
using BtfPtr = std::unique_ptr<btf, void (*)(btf*)>;

Error bad_object(std::string what) {
  return Error(Errc::kInvalidArgument,
               "not a usable eBPF object: " + std::move(what));
}

/// The `index`th type that `type` holds by value; none after the last. A
/// pointer holds nothing.
std::optional<std::uint32_t> contained(const btf_type& type,
                                       std::uint32_t index) {
  switch (btf_kind(&type)) {
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_CONST:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_TYPE_TAG:
    case BTF_KIND_VAR:
    case BTF_KIND_FUNC:
      return index == 0 ? std::optional(type.type) : std::nullopt;
    case BTF_KIND_ARRAY:
      return index == 0 ? std::optional(btf_array(&type)->type) : std::nullopt;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return index < btf_vlen(&type)
                 ? std::optional(btf_members(&type)[index].type)
                 : std::nullopt;
    case BTF_KIND_DATASEC:
      return index < btf_vlen(&type)
                 ? std::optional(btf_var_secinfos(&type)[index].type)
                 : std::nullopt;
    default: return std::nullopt;
  }
}

/// Depth first, with a stack of its own: the depth is the guest's choice.
Status check_cycles(const btf* types) {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  struct Step {
    std::uint32_t id;
    std::uint32_t next;
  };
  const std::uint32_t count = btf__type_cnt(types);
  std::vector<Mark> marks(count, Mark::kNew);
  std::vector<Step> path;
  for (std::uint32_t root = 1; root < count; ++root) {
    if (marks[root] == Mark::kNew) {
      marks[root] = Mark::kOpen;
      path.push_back({root, 0});
    }
    while (!path.empty()) {
      Step& step = path.back();
      const auto inner =
          contained(*btf__type_by_id(types, step.id), step.next++);
      if (!inner) {
        marks[step.id] = Mark::kDone;
        path.pop_back();
      } else if (*inner >= count || marks[*inner] == Mark::kOpen) {
        return bad_object("type " + std::to_string(step.id) +
                          " of its BTF contains itself");
      } else if (marks[*inner] == Mark::kNew) {
        marks[*inner] = Mark::kOpen;
        path.push_back({*inner, 0});
      }
    }
  }
  return {};
}

/// A name that a message, a log or a policy could not show as it is would be
/// another one there.
Status check_name(const char* what, const char* name) {
  const std::string shown = printable(name);
  if (shown != name) {
    return bad_object("the name of " + std::string(what) + " '" + shown +
                      "' has control characters");
  }
  return {};
}

Status check_struct_ops(const btf* types, const bpf_map* map) {
  const std::uint32_t id = bpf_map__btf_value_type_id(map);
  const btf_type* const type =
      types != nullptr ? btf__type_by_id(types, id) : nullptr;
  if (type == nullptr || !btf_is_struct(type)) {
    return bad_object("struct_ops map '" + std::string(bpf_map__name(map)) +
                      "' has no struct");
  }
  for (const btf_member& member :
       std::span(btf_members(type), btf_vlen(type))) {
    const std::int64_t size = btf__resolve_size(types, member.type);
    // As libbpf reads it: of a bit-field the offset is out of any range.
    if (size < 0 || std::int64_t{member.offset} / 8 + size > type->size) {
      return bad_object(
          "a member of struct_ops map '" + std::string(bpf_map__name(map)) +
          "' lies outside of it: '" +
          printable(btf__name_by_offset(types, member.name_off)) + "'");
    }
  }
  return {};
}

}  // namespace

Status check_types(std::span<const std::byte> bytes) {
  elf_version(EV_CURRENT);
  // libelf takes no const, and writes nothing.
  auto* const start =
      const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
  const ElfPtr elf(elf_memory(start, bytes.size()), elf_end);
  std::size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf.get(), &names) != 0) {
    return {};
  }
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf.get(), section)) != nullptr) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) == nullptr) {
      continue;
    }
    const char* const name = elf_strptr(elf.get(), names, header.sh_name);
    const Elf_Data* const data = elf_getdata(section, nullptr);
    if (name == nullptr || std::string_view(name) != ".BTF" ||
        data == nullptr || data->d_buf == nullptr) {
      continue;
    }
    const BtfPtr types(
        btf__new(data->d_buf, static_cast<std::uint32_t>(data->d_size)),
        btf__free);
    if (types != nullptr) {
      WASMBPF_TRY(check_cycles(types.get()));
    }
  }
  return {};
}

Status check_opened(bpf_object* object) {
  const bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(
              object, const_cast<bpf_program*>(program))) != nullptr) {
    WASMBPF_TRY(check_name("program", bpf_program__name(program)));
    WASMBPF_TRY(check_name("section", bpf_program__section_name(program)));
  }
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object, map)) != nullptr) {
    WASMBPF_TRY(check_name("map", bpf_map__name(map)));
    const bpf_map_type type = bpf_map__type(map);
    if (type == BPF_MAP_TYPE_ARENA) {
      bpf_map__set_map_extra(map, 0);  // the kernel chooses one
    } else if (type == BPF_MAP_TYPE_STRUCT_OPS) {
      WASMBPF_TRY(check_struct_ops(bpf_object__btf(object), map));
    }
  }
  return {};
}

Status check_instructions(std::span<const bpf_insn> code,
                          std::span<const int> maps) {
  constexpr std::uint8_t kLoadImmediate64 = BPF_LD | BPF_IMM | BPF_DW;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i].code != kLoadImmediate64) {
      continue;
    }
    switch (code[i].src_reg) {
      case 0:  // a number
      case BPF_PSEUDO_FUNC: break;
      // An id of the kernel's BTF; the second word can be the descriptor of a
      // kernel module's, which is open to every program by its name.
      case BPF_PSEUDO_BTF_ID: break;
      case BPF_PSEUDO_MAP_FD:
      case BPF_PSEUDO_MAP_VALUE:
        if (std::ranges::find(maps, code[i].imm) == maps.end()) {
          return Error(Errc::kInvalidArgument,
                       "instruction " + std::to_string(i) +
                           " names a map by a descriptor (" +
                           std::to_string(code[i].imm) +
                           ") that is not one of this object's maps");
        }
        break;
      default:
        return Error(Errc::kInvalidArgument,
                     "instruction " + std::to_string(i) +
                         " loads a value of unknown kind " +
                         std::to_string(code[i].src_reg));
    }
    ++i;  // its second half
  }
  return {};
}

Status check_prepared(const bpf_object* object) {
  std::vector<int> maps;
  const bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object, map)) != nullptr) {
    if (const int fd = bpf_map__fd(map); fd >= 0) {
      maps.push_back(fd);
    }
  }
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    if (!bpf_program__autoload(program)) {
      continue;
    }
    const Status checked = check_instructions(
        std::span(bpf_program__insns(program), bpf_program__insn_cnt(program)),
        maps);
    if (!checked) {
      return Error(checked.error())
          .context("program '" + std::string(bpf_program__name(program)) + "'");
    }
  }
  return {};
}

}  // namespace wasmbpf::bpf
