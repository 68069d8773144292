#ifndef WASMBPF_POLICY_POLICY_H_
#define WASMBPF_POLICY_POLICY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wasmbpf::policy {

/// What a policy is told of an eBPF program and of a map: names as the object
/// and libbpf give them, never descriptors.
struct ProgramFacts {
  std::string name;
  std::string section;
  std::string type;  ///< "xdp", "tracing", ...
};
struct MapFacts {
  std::string name;
  std::string type;  ///< "hash", "ringbuf", ...
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;
  std::uint32_t max_entries = 0;
};
struct ObjectFacts {
  std::vector<ProgramFacts> programs;
  std::vector<MapFacts> maps;
};

/// Decides what one guest may do. Every import asks before it acts; a refusal
/// is an Error of kPolicy whose message names the grant that is missing.
/// Pure: no I/O, no state. Threads: any.
class Policy {
 public:
  virtual ~Policy() = default;

  virtual std::string_view profile_name() const = 0;
  virtual Status allow_load(const ObjectFacts& object) const = 0;
  virtual Status allow_attach(const ProgramFacts& program,
                              std::string_view target) const = 0;
  virtual Status allow_map_read(const MapFacts& map) const = 0;
  virtual Status allow_map_write(const MapFacts& map) const = 0;
};

/// The profile `allow-all`: no question is ever refused. For guests that the
/// user would run natively all the same.
std::shared_ptr<const Policy> allow_all();

}  // namespace wasmbpf::policy

#endif  // WASMBPF_POLICY_POLICY_H_
