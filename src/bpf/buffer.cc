#include "bpf/buffer.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/unique_fd.h"
#include "bpf/buffer_records.h"
#include "bpf/errors.h"
#include "bpf/log_capture.h"

namespace wasmbpf::bpf {
namespace {

constexpr std::size_t kPerfPagesPerCpu = 64;  // as libbpf's tools have it
struct PerfBufferDeleter {
  void operator()(perf_buffer* perf) const { perf_buffer__free(perf); }
};

/// Memory of a BPF map, mapped into this process.
class Mapping {
 public:
  /// Null, with errno, when the kernel refuses.
  static std::unique_ptr<Mapping> of(int fd, std::size_t size, int protection,
                                     std::size_t offset) {
    void* const start = ::mmap(nullptr, size, protection, MAP_SHARED, fd,
                               static_cast<off_t>(offset));
    return start == MAP_FAILED
               ? nullptr
               : std::unique_ptr<Mapping>(new Mapping(start, size));
  }
  Mapping(const Mapping&) = delete;
  ~Mapping() { ::munmap(start_, size_); }
  std::byte* data() const { return static_cast<std::byte*>(start_); }

 private:
  Mapping(void* start, std::size_t size) : start_(start), size_(size) {}
  void* start_;
  std::size_t size_;
};

/// The consumer is our own and not libbpf's, which goes on for as long as
/// events come and does not say a word about discarded ones: a program that
/// reserves and discards without end would hold its session for ever.
class RingBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<Buffer>> open(const Map& map) {
    WASMBPF_TRY(check_ring_flags(map.info()));
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    auto self = std::make_unique<RingBuffer>();
    self->size_ = map.info().max_entries;
    self->fd_.reset(::fcntl(map.fd(), F_DUPFD_CLOEXEC, 3));
    // The kernel maps the data twice in a row, so that no record is cut.
    self->consumer_ = Mapping::of(map.fd(), page, PROT_READ | PROT_WRITE, 0);
    if (self->fd_ && self->consumer_ != nullptr) {
      self->producer_ =
          Mapping::of(map.fd(), page + 2 * self->size_, PROT_READ, page);
    }
    if (self->producer_ == nullptr) {
      const int err = errno;
      return errno_error("open ring buffer '" + map.info().name + "'", err);
    }
    self->data_ = self->producer_->data() + page;
    return self;
  }

  BufferStats stats() const override {
    const std::uint64_t position = load(*consumer_);
    const std::uint64_t end = load(*producer_);
    const std::uint64_t waiting = end - position <= size_ ? end - position : 0;
    return {.delivered = delivered_,
            .size_bytes = size_,
            .high_water = std::max(high_water_, waiting),
            .unread = count_ring_samples({data_, size_}, position, end)};
  }

 protected:
  Result<std::uint32_t> consume(const OnSample& on_sample) override {
    std::uint64_t position = load(*consumer_);
    // What is there now, and no more: one ring's worth at most.
    const std::uint64_t end = load(*producer_);
    high_water_ = std::max(high_water_, end - position);
    std::uint32_t count = 0;
    bool go_on = true;
    while (go_on && position < end) {
      const std::byte* const record = data_ + (position & (size_ - 1));
      const std::uint32_t header = __atomic_load_n(
          reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
      if ((header & BPF_RINGBUF_BUSY_BIT) != 0) {
        break;  // reserved and not yet submitted
      }
      const std::uint32_t size = header & ~BPF_RINGBUF_DISCARD_BIT;
      const std::uint64_t whole =
          (std::uint64_t{size} + BPF_RINGBUF_HDR_SZ + 7) & ~std::uint64_t{7};
      if (whole > end - position || end - position > size_) {
        return Error(Errc::kSystem, "a ring buffer's positions are corrupt");
      }
      if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) {
        ++count;
        ++delivered_;
        go_on = on_sample({record + BPF_RINGBUF_HDR_SZ, size});
      }
      position += whole;
      // Record by record, so that a slow consumer gives room early.
      __atomic_store_n(reinterpret_cast<std::uint64_t*>(consumer_->data()),
                       position, __ATOMIC_RELEASE);
    }
    return count;
  }
  int ready_fd() const override { return fd_.get(); }

 private:
  static std::uint64_t load(const Mapping& page) {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(page.data()),
                           __ATOMIC_ACQUIRE);
  }

  UniqueFd fd_;
  std::unique_ptr<Mapping> consumer_;
  std::unique_ptr<Mapping> producer_;
  const std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t high_water_ = 0;
};

class PerfBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<Buffer>> open(const Map& map) {
    const LogCapture capture{Logger()};
    auto self = std::make_unique<PerfBuffer>();
    perf_event_attr attr{};
    attr.size = sizeof attr;
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_BPF_OUTPUT;
    attr.sample_type = PERF_SAMPLE_RAW;
    attr.sample_period = 1;
    attr.wakeup_events = 1;
    // Since Linux 6.0 a read tells the losses that no record tells of yet.
    attr.read_format = PERF_FORMAT_LOST;
    self->exact_losses_ = self->start(map, attr);
    if (self->perf_ == nullptr) {
      attr.read_format = 0;
      self->start(map, attr);
    }
    if (self->perf_ == nullptr) {
      const int err = errno;
      return errno_error("open perf buffer '" + map.info().name + "'", err);
    }
    self->size_ =
        kPerfPagesPerCpu * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return self;
  }

  BufferStats stats() const override {
    const PerfRecords left = unread();
    return {.delivered = delivered_,
            .lost = std::max(lost_ + left.lost, lost_so_far()),
            .counts_losses = true,
            .size_bytes = size_,
            .unread = left.samples};
  }

 protected:
  Result<std::uint32_t> consume(const OnSample& on_sample) override {
    const std::size_t cpus = perf_buffer__buffer_cnt(perf_.get());
    const std::uint64_t before = delivered_;
    on_sample_ = &on_sample;
    go_on_ = true;
    int result = 0;
    // Each ring up to where its producer is now. A callback that ends the poll
    // ends it for all CPUs.
    for (std::size_t i = 0; i < cpus && go_on_ && result == 0; ++i) {
      result = perf_buffer__consume_buffer(perf_.get(), i);
      result = result == -ENOENT ? 0 : result;  // an offline CPU has no ring
    }
    on_sample_ = nullptr;
    if (result < 0) {
      return errno_error("read a perf buffer", result);
    }
    return static_cast<std::uint32_t>(delivered_ - before);
  }
  int ready_fd() const override { return perf_buffer__epoll_fd(perf_.get()); }

 private:
  struct Sample {  // PERF_RECORD_SAMPLE of PERF_SAMPLE_RAW; its data follow
    perf_event_header header;
    std::uint32_t size;
  };
  struct Lost {  // PERF_RECORD_LOST
    perf_event_header header;
    std::uint64_t id;
    std::uint64_t lost;
  };

  bool start(const Map& map, perf_event_attr& attr) {
    perf_.reset(perf_buffer__new_raw(map.fd(), kPerfPagesPerCpu, &attr,
                                     on_event, this, nullptr));
    return perf_ != nullptr;
  }

  /// The kernel's count of all CPUs; 0 where it cannot be read.
  std::uint64_t lost_so_far() const {
    std::uint64_t all = 0;
    const std::size_t cpus =
        exact_losses_ ? perf_buffer__buffer_cnt(perf_.get()) : 0;
    for (std::size_t i = 0; i < cpus; ++i) {
      struct {
        std::uint64_t value;
        std::uint64_t lost;
      } counts{};
      const int fd = perf_buffer__buffer_fd(perf_.get(), i);
      if (fd >= 0 && ::read(fd, &counts, sizeof counts) == sizeof counts) {
        all += counts.lost;
      }
    }
    return all;
  }

  /// What is in the rings of all CPUs.
  PerfRecords unread() const {
    PerfRecords all;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t cpus = perf_buffer__buffer_cnt(perf_.get());
    for (std::size_t i = 0; i < cpus; ++i) {
      void* start = nullptr;  // of the page with the positions; data follow
      std::size_t size = 0;
      if (perf_buffer__buffer(perf_.get(), static_cast<int>(i), &start,
                              &size) != 0) {
        continue;  // an offline CPU has no ring
      }
      const auto* const positions =
          static_cast<const perf_event_mmap_page*>(start);
      const auto* const data = static_cast<const std::byte*>(start) + page;
      const std::uint64_t head =
          __atomic_load_n(&positions->data_head, __ATOMIC_ACQUIRE);
      const PerfRecords here =
          count_perf_records({data, size}, positions->data_tail, head);
      all.samples += here.samples;
      all.lost += here.lost;
    }
    return all;
  }

  static bpf_perf_event_ret on_event(void* context, int,
                                     perf_event_header* event) noexcept {
    auto* self = static_cast<PerfBuffer*>(context);
    if (event->type == PERF_RECORD_LOST) {
      self->lost_ += reinterpret_cast<const Lost*>(event)->lost;
    }
    if (event->type != PERF_RECORD_SAMPLE) {
      return LIBBPF_PERF_EVENT_CONT;
    }
    const auto* sample = reinterpret_cast<const Sample*>(event);
    const auto* data = reinterpret_cast<const std::byte*>(&sample->size + 1);
    ++self->delivered_;
    self->go_on_ = (*self->on_sample_)({data, sample->size});
    // Either way this record is consumed.
    return self->go_on_ ? LIBBPF_PERF_EVENT_CONT : LIBBPF_PERF_EVENT_DONE;
  }

  std::unique_ptr<perf_buffer, PerfBufferDeleter> perf_;
  bool exact_losses_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;  ///< as LOST records told
  const OnSample* on_sample_ = nullptr;
  bool go_on_ = true;
};

}  // namespace

Result<std::unique_ptr<Buffer>> Buffer::open(const Map& map) {
  if (map.info().is_ring_buffer) {
    return RingBuffer::open(map);
  }
  if (map.info().is_perf_buffer) {
    return PerfBuffer::open(map);
  }
  return Error(Errc::kInvalidArgument,
               "map '" + map.info().name + "' (" + map.info().type_name +
                   ") is no ring buffer and no perf event array");
}

Result<std::uint32_t> Buffer::poll(
    Interrupt& interrupt, std::optional<std::chrono::nanoseconds> timeout,
    const OnSample& on_sample) {
  if (polling_) {
    return Error(Errc::kBusy, "the buffer is being polled");
  }
  polling_ = true;
  const auto result = [&]() -> Result<std::uint32_t> {
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
      WASMBPF_TRY(interrupt.checkpoint());
      WASMBPF_TRY_ASSIGN(const std::uint32_t count, consume(on_sample));
      if (count > 0) {
        return count;
      }
      std::optional<std::chrono::nanoseconds> left;
      if (timeout) {
        left = *timeout - (std::chrono::steady_clock::now() - start);
        if (*left <= std::chrono::nanoseconds{0}) {
          return count;
        }
      }
      // Readiness without a sample happens: a record that was discarded, or a
      // LOST record alone. Then the rest of the time is waited for.
      WASMBPF_TRY_ASSIGN(const short ready,
                         interrupt.wait(ready_fd(), POLLIN, left));
      if (ready == 0) {
        return count;
      }
    }
  }();
  polling_ = false;
  return result;
}

}  // namespace wasmbpf::bpf
