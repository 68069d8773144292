#include "runtime/ticker.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "runtime/thread.h"

namespace wasmbpf {
namespace {

constexpr int kTickMs = 5;

}  // namespace

Result<std::unique_ptr<Ticker>> Ticker::create(engine::Engine engine) {
  std::unique_ptr<Ticker> self(new Ticker(std::move(engine)));
  self->wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!self->wake_) {
    return system_error("eventfd", errno);
  }
  WASMBPF_TRY_ASSIGN(self->thread_,
                     Thread::start([raw = self.get()] { raw->run(); }));
  return self;
}

Ticker::~Ticker() {
  quit_ = true;
  if (wake_) {
    wake();
  }
  thread_.join();
}

void Ticker::begin() noexcept {
  ++pending_;
  engine_.tick();
  wake();
}

void Ticker::end() noexcept { --pending_; }

void Ticker::wake() noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  errno = saved;
}

void Ticker::run() {
  while (!quit_) {
    pollfd wake{wake_.get(), POLLIN, 0};
    ::poll(&wake, 1, pending_ > 0 ? kTickMs : -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n =
        ::read(wake_.get(), &count, sizeof count);
    if (pending_ > 0) {
      engine_.tick();
    }
  }
}

}  // namespace wasmbpf
