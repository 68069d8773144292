#ifndef WASMBPF_HOSTAPI_RESOURCES_H_
#define WASMBPF_HOSTAPI_RESOURCES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/handle_table.h"
#include "base/result.h"
#include "bpf/buffer.h"
#include "bpf/map.h"
#include "bpf/object.h"
#include "policy/policy.h"

namespace wasmbpf::hostapi {

/// What a handle can name. One table has all of them, so that a number which
/// names a map is never taken for an object.
enum class ResourceKind : std::uint8_t { kObject, kMap };
/// "an object", for messages.
std::string_view resource_kind_name(ResourceKind kind);

class Resource {
 public:
  virtual ~Resource() = default;
  ResourceKind kind() const { return kind_; }

 protected:
  explicit Resource(ResourceKind kind) : kind_(kind) {}
  Resource(const Resource&) = delete;

 private:
  ResourceKind kind_;
};

template <ResourceKind kOf>
struct ResourceOf : Resource {
  static constexpr ResourceKind kKind = kOf;
  ResourceOf() : Resource(kOf) {}
};

/// A buffer with what the host counts beside it.
struct GuestBuffer {
  std::unique_ptr<bpf::Buffer> buffer;
  std::uint64_t truncated = 0;
};

/// One eBPF object of a guest. Members die in reverse order: buffers and links
/// first, then the programs and maps.
struct GuestObject : ResourceOf<ResourceKind::kObject> {
  explicit GuestObject(bpf::LoadedObject loaded) : object(std::move(loaded)) {}

  bpf::LoadedObject object;
  // Handles given out for its maps: one each, however often asked for.
  std::map<std::uint32_t, Handle> map_handles;  ///< by the kernel's id
  std::vector<bpf::Link> links;
  std::map<std::string, GuestBuffer> buffers;  ///< by map
  int calls_under_way = 0;
};

struct GuestMap : ResourceOf<ResourceKind::kMap> {
  GuestMap(Handle of, bpf::Map in_kernel, policy::MapFacts its_facts)
      : object(of), map(std::move(in_kernel)), facts(std::move(its_facts)) {}

  const std::string& name() const { return facts.name; }

  Handle object;  ///< the one it belongs to
  bpf::Map map;
  policy::MapFacts facts;
};

/// All that one guest has handles for.
/// Errors: kStaleHandle for numbers that name nothing, or something else.
class ResourceTable {
 public:
  Result<Handle> insert(std::shared_ptr<Resource> resource) {
    return table_.insert(std::move(resource));
  }

  template <typename T>
  Result<std::shared_ptr<T>> find(std::uint64_t handle) const {
    WASMBPF_TRY_ASSIGN(auto resource, table_.find(handle));
    if (resource->kind() != T::kKind) {
      return wrong_kind(resource->kind(), T::kKind);
    }
    return std::static_pointer_cast<T>(std::move(resource));
  }
  Result<std::shared_ptr<Resource>> remove(std::uint64_t handle) {
    return table_.remove(handle);
  }

 private:
  static Error wrong_kind(ResourceKind is, ResourceKind wanted);

  HandleTable<Resource> table_;
};

}  // namespace wasmbpf::hostapi

#endif  // WASMBPF_HOSTAPI_RESOURCES_H_
