#include <poll.h>
#include <sys/uio.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>

#include "engine/iovec_prefix.h"
#include "engine/wasi.h"

namespace wasmbpf::engine {

using namespace wasi_abi;

namespace {

constexpr std::size_t kMaxIovecs = 1024;  // as Linux has it

/// The guest's buffers, checked, as the host's system calls want them.
class Iovecs {
 public:
  static Result<Iovecs> from(const GuestMemory& memory, RawValue pointer,
                             RawValue count) {
    if (count > kMaxIovecs) {
      return Error(Errc::kInvalidArgument, "too many buffers");
    }
    WASMBPF_TRY_ASSIGN(const std::span<const std::byte> list,
                       memory.slice({pointer, count * kIovecSize}));
    Iovecs iovecs;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto start = load<std::uint32_t>(list, i * kIovecSize);
      const auto size = load<std::uint32_t>(list, i * kIovecSize + 4);
      WASMBPF_TRY_ASSIGN(const auto bytes, memory.slice({start, size}));
      total += size;
      iovecs.parts_[iovecs.count_++] = {bytes.data(), bytes.size()};
    }
    // What was done is told in 32 bits.
    if (total > std::numeric_limits<std::uint32_t>::max()) {
      return Error(Errc::kInvalidArgument, "buffers too large");
    }
    iovecs.empty_ = total == 0;
    return iovecs;
  }

  std::span<iovec> parts() { return std::span(parts_).first(count_); }
  bool empty() const { return empty_; }

 private:
  std::array<iovec, kMaxIovecs> parts_;
  std::size_t count_ = 0;
  bool empty_ = true;
};

Errno to_errno(const Error& error) {
  return error.code() == Errc::kOutOfBounds ? Errno::kFault : Errno::kInval;
}

/// Reads once there is something; interrupted waits answer EINTR.
Result<std::uint32_t> read_some(int fd, std::span<const iovec> parts,
                                Interrupt& interrupt, bool may_wait) {
  const auto timeout = may_wait ? std::optional<std::chrono::nanoseconds>()
                                : std::chrono::nanoseconds{0};
  for (;;) {
    WASMBPF_TRY_ASSIGN(const short ready, interrupt.wait(fd, POLLIN, timeout));
    if (ready == 0) {
      return system_error("read", EAGAIN);
    }
    const Prefix next(parts, kMaxAttempt);
    const ssize_t n =
        readv(fd, next.parts().data(), static_cast<int>(next.parts().size()));
    if (n >= 0) {
      return static_cast<std::uint32_t>(n);
    }
    if (errno != EINTR && errno != EAGAIN) {
      return system_error("read", errno);
    }
  }
}

}  // namespace

Errno Wasi::fd_read(Call& call, Args args) {
  if (args[0] != 0 || !is_open(0)) {
    return Errno::kBadf;
  }
  const GuestMemory memory = call.memory();
  auto iovecs = Iovecs::from(memory, args[1], args[2]);
  if (!iovecs) {
    return to_errno(iovecs.error());
  }
  const auto out = memory.slice({args[3], sizeof(std::uint32_t)});
  if (!out) {
    return Errno::kFault;
  }
  std::uint32_t done = 0;
  if (stdin_fd_ >= 0 && !iovecs->empty()) {
    const auto read = read_some(stdin_fd_, iovecs->parts(), call.interrupt(),
                                !stdio_[0].nonblocking);
    if (!read) {
      return wasi_abi::to_errno(read.error().sys_errno());
    }
    done = *read;
  }
  store(*out, 0, done);
  return Errno::kSuccess;
}

Errno Wasi::fd_write(Call& call, Args args) {
  if (args[0] == 0 || !is_open(args[0])) {
    return Errno::kBadf;
  }
  const GuestMemory memory = call.memory();
  auto iovecs = Iovecs::from(memory, args[1], args[2]);
  if (!iovecs) {
    return to_errno(iovecs.error());
  }
  const auto out = memory.slice({args[3], sizeof(std::uint32_t)});
  if (!out) {
    return Errno::kFault;
  }
  const auto outcome = writer(args[0]).write(iovecs->parts(), call.interrupt(),
                                             !stdio_[args[0]].nonblocking);
  if (outcome.err == EPIPE) {
    output_closed();
  }
  if (outcome.written == 0 && outcome.err != 0) {
    return wasi_abi::to_errno(outcome.err);
  }
  store(*out, 0, static_cast<std::uint32_t>(outcome.written));
  return Errno::kSuccess;
}

void Wasi::output_closed() {
  if (const auto tell = std::exchange(on_output_closed_, nullptr)) {
    tell();
  }
}

}  // namespace wasmbpf::engine
