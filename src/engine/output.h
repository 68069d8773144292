#ifndef WASMBPF_ENGINE_OUTPUT_H_
#define WASMBPF_ENGINE_OUTPUT_H_

// Internal to this folder.

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/interrupt.h"
#include "base/unique_fd.h"
#include "engine/instance.h"

namespace wasmbpf::engine {

/// Writes a guest's output so that a reader who does not read holds up neither
/// a stop nor a pause.
///
/// Terminals, pipes and sockets are shared with other processes, so their
/// blocking mode is not ours to change: sockets are asked not to block call by
/// call, terminals and pipes are opened once more for ourselves. Where that is
/// refused, they are written in pieces that fit once they are ready.
/// Threads: the guest's only.
class OutputWriter {
 public:
  explicit OutputWriter(Output target) : target_(std::move(target)) {}

  struct Outcome {
    std::size_t written = 0;
    int err = 0;  ///< errno of what ended it early, else 0
  };

  /// Writes all of `parts` (which it uses up). Without `may_wait` it ends with
  /// EAGAIN where it would have to wait. A stop ends it with EINTR; an
  /// interrupt does not, and stays for the guest's next wait.
  Outcome write(std::span<iovec> parts, Interrupt& interrupt, bool may_wait);

  /// The descriptor, -1 for a function.
  int fd() const;

 private:
  enum class Mode { kUnknown, kDirect, kSocket, kPieces };

  Outcome write_fd(std::span<iovec> parts, Interrupt& interrupt, bool may_wait);
  void prepare();
  int writable_fd() const { return own_ ? own_.get() : fd(); }
  ssize_t attempt(std::span<const iovec> parts) const;

  Output target_;
  Mode mode_ = Mode::kUnknown;
  UniqueFd own_;  ///< does not block; none for files and sockets
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_OUTPUT_H_
