#ifndef WASMBPF_BPF_GLOBALS_H_
#define WASMBPF_BPF_GLOBALS_H_

#include <cstdint>
#include <optional>
#include <string>

struct bpf_map;
struct bpf_object;

namespace wasmbpf::bpf {

/// Where a global variable of an object lives, as its BTF says.
struct GlobalPlace {
  bpf_map* map = nullptr;
  std::string section;  ///< ".bss"
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

/// None when no section that became a map has a variable of that name.
std::optional<GlobalPlace> find_global(bpf_object* object,
                                       const std::string& name);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_GLOBALS_H_
