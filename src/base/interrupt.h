#ifndef WASMBPF_BASE_INTERRUPT_H_
#define WASMBPF_BASE_INTERRUPT_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace wasmbpf {

/// How a session is stopped, paused or nudged from another thread or a signal
/// handler, seen from the thread that runs the guest.
///
/// Three requests: `stop` (final), `pause`/`resume`, and `interrupt`, which
/// ends the wait that is under way or, if there is none, the next one, once:
/// what a first Ctrl-C does. Every blocking wait of the host polls `wake_fd()`
/// beside its own descriptors, then asks `checkpoint()`. Threads: requests may
/// come from any thread and from signal handlers; the waiting half
/// (`checkpoint`, `run_gate`, `wait`) belongs to one thread, the guest's.
class Interrupt {
 public:
  /// Errors: kSystem when no eventfd can be had.
  static Result<std::unique_ptr<Interrupt>> create();

  void request_stop() noexcept;
  void interrupt() noexcept;
  void pause() noexcept;
  void resume() noexcept;

  bool stop_requested() const noexcept { return stop_.load(); }
  bool paused() const noexcept { return paused_.load(); }

  /// Readable while a request is pending that a wait must answer.
  int wake_fd() const noexcept { return wake_.get(); }

  /// Blocks while paused. Then: kInterrupted if a stop is requested or an
  /// interrupt is pending (which this call consumes), else success.
  Status checkpoint() noexcept;

  /// Blocks while paused; false if a stop is requested. Leaves a pending
  /// interrupt in place: for running guest code, which has no EINTR.
  bool run_gate() noexcept;

  /// Waits until `fd` is ready for `events` (poll(2) bits), a request comes, or
  /// `timeout` (none: for ever) is over. A pause inside prolongs the wait.
  /// Answers the ready bits, 0 at the timeout. fd -1 waits for time only.
  /// Errors: kInterrupted, kSystem.
  Result<short> wait(int fd, short events,
                     std::optional<std::chrono::nanoseconds> timeout);

 private:
  Interrupt() = default;
  void notify() noexcept;
  void consume_wakes() noexcept;

  UniqueFd wake_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> pending_ = false;
  std::atomic<bool> paused_ = false;
};

}  // namespace wasmbpf

#endif  // WASMBPF_BASE_INTERRUPT_H_
