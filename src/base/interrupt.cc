#include "base/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace wasmbpf {
namespace {

using Clock = std::chrono::steady_clock;

/// What is left until `deadline`, never negative; null when there is none.
const timespec* remaining(const std::optional<Clock::time_point>& deadline,
                          timespec& storage) {
  if (!deadline) {
    return nullptr;
  }
  const auto left =
      std::max(std::chrono::nanoseconds{0},
               std::chrono::nanoseconds(*deadline - Clock::now()));
  storage.tv_sec = left.count() / 1'000'000'000;
  storage.tv_nsec = left.count() % 1'000'000'000;
  return &storage;
}

std::optional<Clock::time_point> deadline_after(
    std::optional<std::chrono::nanoseconds> timeout) {
  const auto now = Clock::now();
  // A timeout past the end of the clock is "for ever", not an overflow.
  if (!timeout || *timeout >= Clock::time_point::max() - now) {
    return std::nullopt;
  }
  return now + *timeout;
}

}  // namespace

Result<std::unique_ptr<Interrupt>> Interrupt::create() {
  std::unique_ptr<Interrupt> self(new Interrupt);
  self->wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!self->wake_) {
    return system_error("eventfd", errno);
  }
  return self;
}

void Interrupt::notify() noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  // EAGAIN means that the counter is full, so the reader will wake anyway.
  [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  errno = saved;
}

void Interrupt::consume_wakes() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
}

void Interrupt::request_stop() noexcept {
  stop_ = true;
  notify();
}

void Interrupt::interrupt() noexcept {
  pending_ = true;
  notify();
}

void Interrupt::pause() noexcept {
  paused_ = true;
  notify();
}

void Interrupt::resume() noexcept {
  paused_ = false;
  notify();
}

bool Interrupt::run_gate() noexcept {
  while (paused_ && !stop_) {
    pollfd wake{wake_.get(), POLLIN, 0};
    ::poll(&wake, 1, -1);
    consume_wakes();
  }
  return !stop_;
}

Status Interrupt::checkpoint() noexcept {
  if (!run_gate()) {
    return Error(Errc::kInterrupted, "the session is being stopped", EINTR);
  }
  if (pending_.exchange(false)) {
    return Error(Errc::kInterrupted, "interrupted", EINTR);
  }
  return {};
}

Result<short> Interrupt::wait(int fd, short events,
                              std::optional<std::chrono::nanoseconds> timeout) {
  const auto deadline = deadline_after(timeout);
  for (;;) {
    WASMBPF_TRY(checkpoint());
    std::array<pollfd, 2> fds{pollfd{wake_.get(), POLLIN, 0},
                              pollfd{fd, events, 0}};
    timespec left{};
    const int n =
        ::ppoll(fds.data(), fds.size(), remaining(deadline, left), nullptr);
    if (n < 0 && errno != EINTR) {
      return system_error("poll", errno);
    }
    if (n == 0) {
      return static_cast<short>(0);
    }
    if (n > 0 && fds[0].revents != 0) {
      consume_wakes();
      WASMBPF_TRY(checkpoint());
    }
    if (n > 0 && fds[1].revents != 0) {
      return fds[1].revents;
    }
  }
}

}  // namespace wasmbpf
