#include "bpf/globals.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <string_view>

namespace wasmbpf::bpf {

std::optional<GlobalPlace> find_global(bpf_object* object,
                                       const std::string& name) {
  const btf* const types = bpf_object__btf(object);
  if (types == nullptr) {
    return std::nullopt;
  }
  const std::uint32_t count = btf__type_cnt(types);
  for (std::uint32_t id = 1; id < count; ++id) {
    const btf_type* const section = btf__type_by_id(types, id);
    if (!btf_is_datasec(section)) {
      continue;
    }
    const char* const section_name =
        btf__name_by_offset(types, section->name_off);
    const btf_var_secinfo* const variables = btf_var_secinfos(section);
    for (std::uint16_t i = 0; i < btf_vlen(section); ++i) {
      const btf_type* const variable =
          btf__type_by_id(types, variables[i].type);
      const char* const variable_name =
          variable == nullptr ? nullptr
                              : btf__name_by_offset(types, variable->name_off);
      if (section_name == nullptr || variable_name == nullptr ||
          name != variable_name) {
        continue;
      }
      bpf_map* const map = bpf_object__find_map_by_name(object, section_name);
      if (map != nullptr && bpf_map__is_internal(map)) {
        return GlobalPlace{map, section_name, variables[i].offset,
                           variables[i].size};
      }
    }
  }
  return std::nullopt;
}

}  // namespace wasmbpf::bpf
