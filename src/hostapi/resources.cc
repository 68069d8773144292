#include "hostapi/resources.h"

namespace wasmbpf::hostapi {

std::string_view resource_kind_name(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kObject: return "an object";
    case ResourceKind::kMap: return "a map";
  }
  return "something else";
}

Error ResourceTable::wrong_kind(ResourceKind is, ResourceKind wanted) {
  return Error(Errc::kStaleHandle,
               "the handle names " + std::string(resource_kind_name(is)) +
                   ", not " + std::string(resource_kind_name(wanted)));
}

}  // namespace wasmbpf::hostapi
