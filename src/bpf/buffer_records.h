#ifndef WASMBPF_BPF_BUFFER_RECORDS_H_
#define WASMBPF_BPF_BUFFER_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "bpf/map.h"

namespace wasmbpf::bpf {

// What lies in the memory of a buffer, as its positions say. Positions count
// bytes for ever and are not trusted: where they or a record's size cannot be,
// the count ends. `data` is the ring once, a power of two of bytes; it may be
// shared with the kernel.

/// Success if the consumer here understands how ring buffer `info` is filled.
/// Errors: kUnsupported.
Status check_ring_flags(const MapInfo& info);

/// Samples of a ring buffer from `consumer` to `producer`: neither discarded
/// nor still being written.
std::uint64_t count_ring_samples(std::span<const std::byte> data,
                                 std::uint64_t consumer,
                                 std::uint64_t producer);

struct PerfRecords {
  std::uint64_t samples = 0;
  std::uint64_t lost = 0;  ///< that the LOST records among them tell of
};

/// Records of one CPU's perf ring from `tail` to `head`.
PerfRecords count_perf_records(std::span<const std::byte> data,
                               std::uint64_t tail, std::uint64_t head);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_BUFFER_RECORDS_H_
