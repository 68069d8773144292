#include "cli/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "runtime/thread.h"

namespace wasmbpf::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kGrace{2};

constexpr Clock::time_point kNever = Clock::time_point::max();

int poll_timeout(Clock::time_point deadline) {
  if (deadline == kNever) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

sigset_t termination_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Result<TerminationSignals> TerminationSignals::block() {
  const sigset_t signals = termination_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) {
    return system_error("signalfd", errno);
  }
  return TerminationSignals(std::move(fd));
}

Status TerminationSignals::ending_with_them(std::function<void()> work) const {
  // The thread, and those that the engine starts from it, have them blocked.
  WASMBPF_TRY_ASSIGN(Thread thread, Thread::start(std::move(work)));
  const sigset_t signals = termination_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  thread.join();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return {};
}

int TerminationSignals::supervise(Session& session) const {
  int first = 0;
  int count = 0;
  Clock::time_point grace_ends = kNever;
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{session.ended_fd(), POLLIN, 0},
                              pollfd{fd_.get(), POLLIN, 0}};
    const int n = ::poll(fds.data(), fds.size(), poll_timeout(grace_ends));
    if (fds[0].revents != 0) {
      return first;
    }
    if (n == 0) {
      session.stop();
      grace_ends = kNever;
    }
    signalfd_siginfo info{};
    if (n <= 0 || fds[1].revents == 0 ||
        ::read(fd_.get(), &info, sizeof info) != sizeof info) {
      continue;
    }
    ++count;
    if (count == 1) {
      first = static_cast<int>(info.ssi_signo);
      grace_ends = Clock::now() + kGrace;
      session.interrupt();
    } else if (count == 2) {
      session.stop();
    } else {
      ::_exit(128 + first);  // the kernel lets go of the guest's links
    }
  }
}

}  // namespace wasmbpf::cli
