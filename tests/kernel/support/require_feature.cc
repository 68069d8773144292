#include "kernel/support/require_feature.h"

#include <map>

#include "bpf/features.h"
#include "kernel/support/test_log.h"

namespace wasmbpf::testing {
namespace {

const Result<bpf::Feature>& probed(const std::string& name) {
  static std::map<std::string, Result<bpf::Feature>> known;
  auto found = known.find(name);
  if (found == known.end()) {
    found = known.emplace(name, bpf::probe_feature(name)).first;
  }
  return found->second;
}

}  // namespace

std::optional<std::string> missing_feature(std::string_view name) {
  const Result<bpf::Feature>& feature = probed(std::string(name));
  if (!feature) {
    ADD_FAILURE() << feature.error().message();
    return std::nullopt;
  }
  if (feature->supported) {
    return std::nullopt;
  }
  append_to_log(
      "WASMBPF_SKIP_LOG",
      {std::string(name), bpf::kernel_facts().release, feature->reason});
  return feature->reason;
}

}  // namespace wasmbpf::testing
