#ifndef WASMBPF_BPF_BUFFER_H_
#define WASMBPF_BPF_BUFFER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/interrupt.h"
#include "base/result.h"
#include "bpf/map.h"

namespace wasmbpf::bpf {

/// What passed through one buffer since it was opened.
struct BufferStats {
  std::uint64_t delivered = 0;
  /// Perf buffers: the kernel's own count. Ring buffers have none: see
  /// LoadedObject::counted_losses.
  std::uint64_t lost = 0;
  bool counts_losses = false;    ///< true for perf buffers
  std::uint64_t size_bytes = 0;  ///< of the ring; of one CPU's ring for perf
  std::uint64_t high_water = 0;  ///< most unread bytes seen, now too; ring
  std::uint64_t unread = 0;      ///< samples in it now, not delivered yet
};

/// The consumer side of a ring buffer or a perf event array.
///
/// Owns the mappings; the map may be closed meanwhile. Samples are kernel data
/// and are valid during the callback only.
/// Errors: kUnsupported before Linux 5.8 for ring buffers, kInvalidArgument for
/// other maps.
/// Threads: one caller at a time.
class Buffer {
 public:
  /// Answers whether to go on. A false ends the poll after this sample, which
  /// counts as delivered. Must not throw.
  using OnSample = std::function<bool(std::span<const std::byte>)>;

  static Result<std::unique_ptr<Buffer>> open(const Map& map);
  virtual ~Buffer() = default;

  /// Delivers what is there; if nothing is, waits for at most `timeout` (none:
  /// for ever) and delivers what came. Answers the number of samples delivered,
  /// 0 at the timeout. Ends by itself after one ring's worth of bytes, so that
  /// a fast producer cannot hold the caller for ever.
  /// Errors: kInterrupted, kSystem, kBusy when entered again from `on_sample`.
  Result<std::uint32_t> poll(Interrupt& interrupt,
                             std::optional<std::chrono::nanoseconds> timeout,
                             const OnSample& on_sample);

  /// Looks at every unread record, so it is for the end and not for each poll.
  /// Exact once nothing writes to the buffer any more.
  virtual BufferStats stats() const = 0;

 protected:
  /// Delivers what is there now, without waiting.
  virtual Result<std::uint32_t> consume(const OnSample& on_sample) = 0;
  /// Readable when there may be something to consume.
  virtual int ready_fd() const = 0;

 private:
  bool polling_ = false;
};

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_BUFFER_H_
