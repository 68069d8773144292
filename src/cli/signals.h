#ifndef WASMBPF_CLI_SIGNALS_H_
#define WASMBPF_CLI_SIGNALS_H_

#include <functional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {

/// SIGINT and SIGTERM as a descriptor. Made before any thread, so that every
/// thread has them blocked and only the descriptor sees them.
class TerminationSignals {
 public:
  /// Errors: kSystem.
  static Result<TerminationSignals> block();

  /// Runs `work` on a thread of its own. A signal meanwhile ends the process at
  /// once, as it does any program: there is nothing in the kernel yet.
  /// Errors: kSystem.
  Status ending_with_them(std::function<void()> work) const;

  /// Waits for the session's end and passes signals on: the first one ends the
  /// guest's wait, two seconds later, or at the second one, the guest is
  /// stopped; the third ends this process at once.
  /// Answers the first signal's number, 0 if none came.
  int supervise(Session& session) const;

 private:
  explicit TerminationSignals(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace wasmbpf::cli

#endif  // WASMBPF_CLI_SIGNALS_H_
