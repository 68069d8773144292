#include "bpf/buffer_records.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>

#include <cstring>

namespace wasmbpf::bpf {
namespace {

// BPF_F_RB_OVERWRITE of Linux 6.19, which older headers lack.
constexpr std::uint32_t kOverwriteFlag = 1U << 19;
constexpr std::uint64_t kAlignment = 8;  // of the records of both kinds

bool can_be(std::span<const std::byte> data, std::uint64_t from,
            std::uint64_t to) {
  return to - from <= data.size() && from % kAlignment == 0;
}

const std::byte* at(std::span<const std::byte> data, std::uint64_t position) {
  return data.data() + (position & (data.size() - 1));
}

}  // namespace

Status check_ring_flags(const MapInfo& info) {
  const std::uint32_t unknown = info.flags & ~std::uint32_t{BPF_F_NUMA_NODE};
  if (unknown == 0) {
    return {};
  }
  return Error(Errc::kUnsupported,
               "ring buffer '" + info.name + "' " +
                   ((unknown & kOverwriteFlag) != 0
                        ? "overwrites its oldest samples (BPF_F_RB_OVERWRITE)"
                        : "has map flags " + std::to_string(unknown)) +
                   ", which this version cannot read");
}

std::uint64_t count_ring_samples(std::span<const std::byte> data,
                                 std::uint64_t consumer,
                                 std::uint64_t producer) {
  if (!can_be(data, consumer, producer)) {
    return 0;
  }
  constexpr std::uint32_t kNoSample =
      BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT;
  std::uint64_t count = 0;
  while (consumer < producer) {
    const std::uint32_t header = __atomic_load_n(
        reinterpret_cast<const std::uint32_t*>(at(data, consumer)),
        __ATOMIC_ACQUIRE);
    const std::uint64_t size = header & ~kNoSample;
    const std::uint64_t whole =
        (size + BPF_RINGBUF_HDR_SZ + kAlignment - 1) & ~(kAlignment - 1);
    if (whole > producer - consumer) {
      break;
    }
    count += (header & kNoSample) == 0 ? 1 : 0;
    consumer += whole;
  }
  return count;
}

PerfRecords count_perf_records(std::span<const std::byte> data,
                               std::uint64_t tail, std::uint64_t head) {
  PerfRecords records;
  if (!can_be(data, tail, head)) {
    return records;
  }
  while (tail < head) {
    // Words do not wrap, since they are aligned; records do.
    perf_event_header header;
    std::memcpy(&header, at(data, tail), sizeof header);
    if (header.size < sizeof header || header.size % kAlignment != 0 ||
        header.size > head - tail) {
      break;
    }
    if (header.type == PERF_RECORD_SAMPLE) {
      ++records.samples;
    }
    constexpr std::uint64_t kCountAt = sizeof header + sizeof(std::uint64_t);
    if (header.type == PERF_RECORD_LOST &&
        header.size >= kCountAt + sizeof(std::uint64_t)) {
      std::uint64_t lost = 0;  // behind the event's id
      std::memcpy(&lost, at(data, tail + kCountAt), sizeof lost);
      records.lost += lost;
    }
    tail += header.size;
  }
  return records;
}

}  // namespace wasmbpf::bpf
