#ifndef WASMBPF_HOSTAPI_BUFFER_REPORTS_H_
#define WASMBPF_HOSTAPI_BUFFER_REPORTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/buffer.h"

namespace wasmbpf::hostapi {

/// What passed through the buffers of one map name, for the summary at a
/// session's end.
struct BufferReport {
  std::string map;
  bpf::BufferStats stats;
  /// Perf buffers: the kernel's count. Ring buffers: what the eBPF side
  /// counted, none where it does not count ("losses unknown").
  std::optional<std::uint64_t> lost;
  std::uint64_t truncated = 0;  ///< samples larger than the guest's buffer
};

/// The reports of a session, one for each map name, in the order in which the
/// names came: a guest that loads and closes objects without end makes no more
/// of them. Counts add up, sizes are the largest. Buffers with known and with
/// unknown losses stay apart, so that no sum says more than is known.
/// Trust: the names are the guest's; beyond kMaxNames they become "(others)".
class BufferReports {
 public:
  static constexpr std::size_t kMaxNames = 256;

  void add(BufferReport report);
  const std::vector<BufferReport>& all() const { return reports_; }

 private:
  BufferReport* find(const BufferReport& like);

  std::vector<BufferReport> reports_;
};

}  // namespace wasmbpf::hostapi

#endif  // WASMBPF_HOSTAPI_BUFFER_REPORTS_H_
