#include "runtime/case_run.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <regex>

#include "base/unique_fd.h"

namespace wasmbpf::testing {
namespace {

using Clock = std::chrono::steady_clock;
// Emulated machines need long; a hang is what this is for.
constexpr std::chrono::seconds kDeadline{90};
constexpr unsigned kNobody = 65534;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return system_error("pipe", errno);
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A shell command in a process group of its own, ended with the group.
class Process {
 public:
  static Result<Process> start(const std::string& command, bool root,
                               int out_fd, int err_fd) {
    const pid_t pid = ::fork();
    if (pid < 0) {
      return system_error("fork", errno);
    }
    if (pid == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
      ::dup2(out_fd, STDOUT_FILENO);
      ::dup2(err_fd, STDERR_FILENO);
      if (!root && (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 ||
                    ::setuid(kNobody) != 0)) {
        ::_exit(126);
      }
      // exec: a signal is for the command, not for a shell around it.
      const std::string line = "exec " + command;
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    ::setpgid(pid, pid);
    return Process(pid);
  }
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      int status = 0;
      ::waitpid(pid_, &status, 0);
    }
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// 128 + N after signal N.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

/// Reads both streams until `done` says so or both are at their end.
template <typename Done>
Status read_streams(int out_fd, int err_fd, Clock::time_point deadline,
                    CaseOutcome& outcome, Done done) {
  std::array<pollfd, 2> fds{pollfd{out_fd, POLLIN, 0},
                            pollfd{err_fd, POLLIN, 0}};
  const std::array<std::string*, 2> texts{&outcome.out, &outcome.err};
  while (!done() && (fds[0].fd >= 0 || fds[1].fd >= 0)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - Clock::now());
    if (left.count() <= 0 ||
        ::poll(fds.data(), fds.size(), static_cast<int>(left.count())) == 0) {
      return Error(Errc::kBusy, "deadline passed; stdout so far:\n" +
                                    outcome.out + "\nstderr so far:\n" +
                                    outcome.err);
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents == 0) {
        continue;
      }
      std::array<char, 4096> chunk{};
      const ssize_t n = ::read(fds[i].fd, chunk.data(), chunk.size());
      if (n > 0) {
        texts[i]->append(chunk.data(), static_cast<std::size_t>(n));
      } else if (n == 0) {
        fds[i].fd = -1;
      }
    }
  }
  return {};
}

Status run_step(const std::string& command) {
  const int status = std::system(command.c_str());
  if (status != 0) {
    return Error(Errc::kSystem, "'" + command + "' answered " +
                                    std::to_string(WEXITSTATUS(status)));
  }
  return {};
}

Status drive(const Case& test, CaseOutcome& outcome) {
  const auto deadline = Clock::now() + kDeadline;
  for (const std::string& command : test.setup) {
    WASMBPF_TRY(run_step(command));
  }
  WASMBPF_TRY_ASSIGN(Pipe out, make_pipe());
  WASMBPF_TRY_ASSIGN(Pipe err, make_pipe());
  WASMBPF_TRY_ASSIGN(Process process,
                     Process::start(test.run, test.user == "root",
                                    out.write_end.get(), err.write_end.get()));
  out.write_end.reset();
  err.write_end.reset();
  if (!test.during.empty() || !test.signals.empty()) {
    const std::regex ready(test.ready.empty() ? "\n" : test.ready);
    WASMBPF_TRY(read_streams(out.read_end.get(), err.read_end.get(), deadline,
                             outcome, [&] {
                               return std::regex_search(outcome.out, ready) ||
                                      std::regex_search(outcome.err, ready);
                             }));
  }
  for (const std::string& command : test.during) {
    WASMBPF_TRY(run_step(command));
  }
  for (const std::string& signal : test.signals) {
    process.signal(signal == "INT" ? SIGINT : SIGTERM);
  }
  WASMBPF_TRY(read_streams(out.read_end.get(), err.read_end.get(), deadline,
                           outcome, [] { return false; }));
  outcome.exit_code = process.wait();
  return {};
}

Status enter_namespaces() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return system_error("enter private namespaces", errno);
  }
  struct stat events{};
  if (::stat("/sys/kernel/tracing/events", &events) != 0 &&
      ::mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, nullptr) != 0) {
    return system_error("mount tracefs", errno);
  }
  return run_step("ip link set lo up");
}

/// One length-prefixed string through a pipe.
void write_text(int fd, const std::string& text) {
  const std::string framed = std::to_string(text.size()) + "\n" + text;
  std::size_t done = 0;
  while (done < framed.size()) {
    const ssize_t n = ::write(fd, framed.data() + done, framed.size() - done);
    if (n <= 0) {
      return;
    }
    done += static_cast<std::size_t>(n);
  }
}

std::string take_text(std::string& stream) {
  const std::size_t end = stream.find('\n');
  if (end == std::string::npos) {
    return "";
  }
  const std::size_t size = std::stoul(stream.substr(0, end));
  std::string text = stream.substr(end + 1, size);
  stream.erase(0, end + 1 + size);
  return text;
}

}  // namespace

Result<CaseOutcome> run_case(const Case& test) {
  WASMBPF_TRY_ASSIGN(Pipe report, make_pipe());
  const pid_t child = ::fork();
  if (child < 0) {
    return system_error("fork", errno);
  }
  if (child == 0) {  // namespaces are a process's: it reports and goes
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    CaseOutcome outcome;
    Status status = enter_namespaces();
    if (status) {
      status = drive(test, outcome);
    }
    const int fd = report.write_end.get();
    write_text(fd, status ? "" : status.error().message());
    write_text(fd, std::to_string(outcome.exit_code));
    write_text(fd, outcome.out);
    write_text(fd, outcome.err);
    ::_exit(0);
  }
  report.write_end.reset();
  std::string stream;
  std::array<char, 4096> chunk{};
  ssize_t n = 0;
  while ((n = ::read(report.read_end.get(), chunk.data(), chunk.size())) > 0) {
    stream.append(chunk.data(), static_cast<std::size_t>(n));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (const std::string failure = take_text(stream); !failure.empty()) {
    return Error(Errc::kSystem, failure);
  }
  CaseOutcome outcome;
  outcome.exit_code = std::atoi(take_text(stream).c_str());
  outcome.out = take_text(stream);
  outcome.err = take_text(stream);
  return outcome;
}

}  // namespace wasmbpf::testing
