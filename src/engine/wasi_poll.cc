#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

#include "engine/wasi.h"

namespace wasmbpf::engine {

using namespace wasi_abi;

namespace {

using std::chrono::nanoseconds;

// A guest has three descriptors and little use for more than a few clocks.
constexpr RawValue kMaxSubscriptions = 4096;

nanoseconds to_nanoseconds(std::uint64_t value) {
  constexpr auto kMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return nanoseconds(static_cast<std::int64_t>(std::min(value, kMax)));
}

/// How long until the time a clock subscription names; none for a clock that
/// cannot be waited for.
std::optional<nanoseconds> time_left(std::uint32_t clock, std::uint64_t timeout,
                                     bool absolute) {
  if (clock != kRealtime && clock != kMonotonic) {
    return std::nullopt;
  }
  if (!absolute) {
    return to_nanoseconds(timeout);
  }
  timespec now{};
  clock_gettime(clock == kRealtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
  const auto passed = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(now.tv_nsec);
  return to_nanoseconds(timeout > passed ? timeout - passed : 0);
}

std::uint64_t readable_bytes(int fd) {
  int count = 0;
  // Files have no such count; one byte more than none.
  return ioctl(fd, FIONREAD, &count) == 0 && count > 0
             ? static_cast<std::uint64_t>(count)
             : 1;
}

}  // namespace

/// One entry of the guest's list, and its event once `ready`.
struct Wasi::Subscription {
  std::uint64_t userdata = 0;
  std::uint8_t type = 0;
  std::optional<nanoseconds> left;  ///< clocks
  bool waits_for_stdin = false;
  bool ready = false;
  Errno error = Errno::kSuccess;
  std::uint64_t size = 0;
  std::uint16_t flags = 0;
};

/// What all of them together wait for.
struct Wasi::Waiting {
  std::optional<nanoseconds> timeout;
  bool for_stdin = false;

  void at_most(nanoseconds left) {
    timeout = timeout ? std::min(*timeout, left) : left;
  }
};

Wasi::Subscription Wasi::parse(std::span<const std::byte> bytes,
                               Waiting& waiting) const {
  Subscription item;
  item.userdata = load<std::uint64_t>(bytes, 0);
  item.type = load<std::uint8_t>(bytes, 8);
  const auto clock_or_fd = load<std::uint32_t>(bytes, 16);
  if (item.type == kClock) {
    item.left =
        time_left(clock_or_fd, load<std::uint64_t>(bytes, 24),
                  (load<std::uint16_t>(bytes, 40) & kClockAbsolute) != 0);
    item.error = item.left ? Errno::kSuccess : Errno::kInval;
    item.ready = !item.left;
  } else if (!is_open(clock_or_fd) ||
             (clock_or_fd == 0) != (item.type == kFdRead)) {
    item.error = Errno::kBadf;
    item.ready = true;
  } else if (item.type == kFdWrite) {
    item.size = PIPE_BUF;
    item.ready = true;
  } else if (stdin_fd_ < 0) {
    item.flags = kHangup;
    item.ready = true;
  } else {
    item.waits_for_stdin = true;
    waiting.for_stdin = true;
  }
  if (item.ready) {
    waiting.at_most(nanoseconds{0});
  } else if (item.left) {
    waiting.at_most(*item.left);
  }
  return item;
}

void Wasi::complete(Subscription& item, short stdin_events) const {
  if (!item.waits_for_stdin || stdin_events == 0) {
    return;
  }
  item.ready = true;
  if ((stdin_events & POLLIN) != 0) {
    item.size = readable_bytes(stdin_fd_);
  } else if ((stdin_events & POLLNVAL) != 0) {
    item.error = Errno::kBadf;
  } else {
    item.flags = kHangup;
  }
}

Errno Wasi::poll_oneoff(Call& call, Args args) {
  const RawValue count = args[2];
  if (count == 0 || count > kMaxSubscriptions) {
    return Errno::kInval;
  }
  const GuestMemory memory = call.memory();
  const auto list = memory.copy_in({args[0], count * kSubscriptionSize});
  const auto out = memory.slice({args[1], count * kEventSize});
  const auto out_count = memory.slice({args[3], sizeof(std::uint32_t)});
  if (!list || !out || !out_count) {
    return Errno::kFault;
  }

  Waiting waiting;
  std::vector<Subscription> items;
  items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back(parse(
        std::span(*list).subspan(i * kSubscriptionSize, kSubscriptionSize),
        waiting));
    if (items.back().type > kFdWrite) {
      return Errno::kInval;
    }
  }

  const auto started = std::chrono::steady_clock::now();
  const auto events = call.interrupt().wait(waiting.for_stdin ? stdin_fd_ : -1,
                                            POLLIN, waiting.timeout);
  if (!events) {
    return to_errno(events.error().sys_errno());
  }
  const auto passed = std::chrono::steady_clock::now() - started;

  std::uint32_t ready = 0;
  for (Subscription& item : items) {
    complete(item, *events);
    // At the timeout the shortest clock is due, whatever its rounding.
    if (item.left && (*item.left <= passed ||
                      (*events == 0 && item.left == waiting.timeout))) {
      item.ready = true;
    }
    if (item.ready) {
      const auto event = out->subspan(ready++ * kEventSize, kEventSize);
      std::ranges::fill(event, std::byte{0});
      store(event, 0, item.userdata);
      store(event, 8, std::to_underlying(item.error));
      store(event, 10, item.type);
      store(event, 16, item.size);
      store(event, 24, item.flags);
    }
  }
  store(*out_count, 0, ready);
  return Errno::kSuccess;
}

}  // namespace wasmbpf::engine
