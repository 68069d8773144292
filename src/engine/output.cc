#include "engine/output.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "engine/iovec_prefix.h"

namespace wasmbpf::engine {
namespace {

/// Takes `done` bytes, and parts that are empty, off the front.
std::span<iovec> drop_front(std::span<iovec> parts, std::size_t done) {
  while (!parts.empty() && done >= parts.front().iov_len) {
    done -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) {
    iovec& part = parts.front();
    part.iov_base = static_cast<std::byte*>(part.iov_base) + done;
    part.iov_len -= done;
  }
  return parts;
}

/// Waits for room; an interrupt is only remembered. False: to be stopped.
bool wait_for_room(int fd, Interrupt& interrupt, bool& interrupted) {
  for (;;) {
    const auto ready = interrupt.wait(fd, POLLOUT, std::nullopt);
    if (ready) {
      return true;
    }
    if (ready.error().code() != Errc::kInterrupted ||
        interrupt.stop_requested()) {
      return false;
    }
    interrupted = true;
  }
}

}  // namespace

int OutputWriter::fd() const {
  const int* const fd = std::get_if<int>(&target_);
  return fd != nullptr ? *fd : -1;
}

void OutputWriter::prepare() {
  struct stat info{};
  if (fstat(fd(), &info) != 0) {
    mode_ = Mode::kDirect;  // the write will say what is wrong
  } else if (S_ISSOCK(info.st_mode)) {
    mode_ = Mode::kSocket;
  } else if (S_ISFIFO(info.st_mode) || isatty(fd()) != 0) {
    // Opening a pty's master again would make another pty.
    std::array<char, 64> name{};
    const bool is_master = ::ptsname_r(fd(), name.data(), name.size()) == 0;
    const std::string again = "/proc/self/fd/" + std::to_string(fd());
    if (!is_master) {
      own_.reset(
          ::open(again.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    }
    mode_ = own_ ? Mode::kDirect : Mode::kPieces;
  } else {
    mode_ = Mode::kDirect;
  }
}

ssize_t OutputWriter::attempt(std::span<const iovec> parts) const {
  const int fd = writable_fd();
  if (mode_ == Mode::kSocket) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  if (mode_ == Mode::kPieces) {
    pollfd room{fd, POLLOUT, 0};
    if (poll(&room, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    const Prefix piece(parts, PIPE_BUF);
    return writev(fd, piece.parts().data(),
                  static_cast<int>(piece.parts().size()));
  }
  return writev(fd, parts.data(), static_cast<int>(parts.size()));
}

OutputWriter::Outcome OutputWriter::write_fd(std::span<iovec> parts,
                                             Interrupt& interrupt,
                                             bool may_wait) {
  if (mode_ == Mode::kUnknown) {
    prepare();
  }
  Outcome outcome;
  bool interrupted = false;
  parts = drop_front(parts, 0);
  while (!parts.empty() && outcome.err == 0) {
    if (interrupt.stop_requested()) {
      outcome.err = EINTR;
      break;
    }
    const Prefix next(parts, kMaxAttempt);
    const ssize_t n = attempt(next.parts());
    if (n >= 0) {
      outcome.written += static_cast<std::size_t>(n);
      parts = drop_front(parts, static_cast<std::size_t>(n));
      outcome.err = n == 0 ? EIO : 0;  // a file that takes nothing
    } else if (errno != EAGAIN || !may_wait) {
      outcome.err = errno == EINTR ? 0 : errno;
    } else if (!wait_for_room(writable_fd(), interrupt, interrupted)) {
      outcome.err = EINTR;
    }
  }
  if (interrupted) {
    interrupt.interrupt();
  }
  return outcome;
}

OutputWriter::Outcome OutputWriter::write(std::span<iovec> parts,
                                          Interrupt& interrupt, bool may_wait) {
  const auto* const function =
      std::get_if<std::function<void(std::span<const std::byte>)>>(&target_);
  if (function == nullptr) {
    return write_fd(parts, interrupt, may_wait);
  }
  Outcome outcome;
  for (const iovec& part : parts) {
    if (part.iov_len > 0) {
      (*function)({static_cast<const std::byte*>(part.iov_base), part.iov_len});
      outcome.written += part.iov_len;
    }
  }
  return outcome;
}

}  // namespace wasmbpf::engine
