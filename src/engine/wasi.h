#ifndef WASMBPF_ENGINE_WASI_H_
#define WASMBPF_ENGINE_WASI_H_

// Internal to this folder.

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/instance.h"
#include "engine/output.h"
#include "engine/wasi_abi.h"

namespace wasmbpf::engine {

/// The part of WASI preview 1 that takes the place of the engine's: stdin,
/// stdout and stderr, waiting, clocks, and exit.
///
/// The engine's own do not know an Interrupt; they wait and write on threads of
/// their own, refuse exit codes from 126 on, and start their monotonic clock
/// with the guest (here it is the kernel's, as eBPF programs see it).
/// Descriptors 0 to 2 are the only ones there are: directories are not
/// opened yet.
/// Threads: the guest's only. Trust: all numbers and pointers are the guest's.
class Wasi {
 public:
  /// `on_output_closed` is called at most once.
  Wasi(int stdin_fd, Output stdout_to, Output stderr_to,
       std::function<void()> on_output_closed);

  /// They work on this object, which must outlive them.
  std::vector<HostFunction> functions(std::string_view module);

 private:
  using Args = std::span<const RawValue>;
  using Errno = wasi_abi::Errno;
  struct Row;
  struct Subscription;
  struct Waiting;

  Errno clock_res_get(Call& call, Args args);
  Errno clock_time_get(Call& call, Args args);
  Errno fd_close(Call& call, Args args);
  Errno fd_fdstat_get(Call& call, Args args);
  Errno fd_fdstat_set_flags(Call& call, Args args);
  Errno fd_filestat_get(Call& call, Args args);
  Errno fd_read(Call& call, Args args);
  Errno fd_renumber(Call& call, Args args);
  Errno fd_seek(Call& call, Args args);
  Errno fd_write(Call& call, Args args);
  Errno poll_oneoff(Call& call, Args args);

  bool is_open(RawValue fd) const { return fd < 3 && !stdio_[fd].closed; }
  /// The host's descriptor of an open one of the guest, or -1.
  int host_fd(RawValue fd) const;
  OutputWriter& writer(RawValue fd) { return fd == 1 ? stdout_ : stderr_; }
  void output_closed();
  Subscription parse(std::span<const std::byte> bytes, Waiting& waiting) const;
  void complete(Subscription& subscription, short stdin_events) const;

  struct Stdio {
    bool closed = false;
    bool nonblocking = false;
  };
  std::array<Stdio, 3> stdio_;
  int stdin_fd_;
  OutputWriter stdout_;
  OutputWriter stderr_;
  std::function<void()> on_output_closed_;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_WASI_H_
