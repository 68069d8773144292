#ifndef WASMBPF_RUNTIME_THREAD_H_
#define WASMBPF_RUNTIME_THREAD_H_

#include <pthread.h>

#include <functional>
#include <optional>
#include <utility>

#include "base/result.h"

namespace wasmbpf {

/// A thread of ours.
///
/// It takes none of the process's signals: they are the embedder's, for its own
/// threads. Faults stay open, since the engine makes traps of them. Its stack
/// has 4 MiB, whatever the limit of the process is (`ulimit -s`): guest code
/// may use up 1 MiB of it, and the host has to have room behind that.
class Thread {
 public:
  /// `body` must not throw. Errors: kSystem.
  static Result<Thread> start(std::function<void()> body);

  Thread() = default;
  Thread(Thread&& other) noexcept
      : id_(std::exchange(other.id_, std::nullopt)) {}
  Thread& operator=(Thread&& other) noexcept {
    join();
    id_ = std::exchange(other.id_, std::nullopt);
    return *this;
  }
  ~Thread() { join(); }

  /// Waits for its end; at once when there is nothing to wait for.
  void join();

 private:
  explicit Thread(pthread_t id) : id_(id) {}
  std::optional<pthread_t> id_;
};

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_THREAD_H_
