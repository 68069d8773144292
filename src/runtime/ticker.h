#ifndef WASMBPF_RUNTIME_TICKER_H_
#define WASMBPF_RUNTIME_TICKER_H_

#include <atomic>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/engine.h"
#include "runtime/thread.h"

namespace wasmbpf {

/// Ticks the engine for as long as some session has a stop or a pause pending.
///
/// One tick is not enough: a guest whose epoch callback has just looked, and
/// found nothing, arms its next deadline after our tick and would run on. With
/// nothing pending the thread sleeps.
/// Threads: `begin` and `end` from any, also from signal handlers.
class Ticker {
 public:
  /// Errors: kSystem.
  static Result<std::unique_ptr<Ticker>> create(engine::Engine engine);
  ~Ticker();

  void begin() noexcept;
  void end() noexcept;

 private:
  explicit Ticker(engine::Engine engine) : engine_(std::move(engine)) {}
  void run();
  void wake() noexcept;

  engine::Engine engine_;
  UniqueFd wake_;
  std::atomic<int> pending_ = 0;
  std::atomic<bool> quit_ = false;
  Thread thread_;
};

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_TICKER_H_
