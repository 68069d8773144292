#include "engine/wasi.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace wasmbpf::engine {

using namespace wasi_abi;

namespace {

constexpr ValueType kI32 = ValueType::kI32;
constexpr ValueType kI64 = ValueType::kI64;

std::optional<clockid_t> to_clock(RawValue id) {
  switch (id) {
    case kRealtime: return CLOCK_REALTIME;
    case kMonotonic: return CLOCK_MONOTONIC;
    case kProcessCpu: return CLOCK_PROCESS_CPUTIME_ID;
    case kThreadCpu: return CLOCK_THREAD_CPUTIME_ID;
    default: return std::nullopt;
  }
}

std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// Runs clock_gettime or clock_getres, and hands the guest the answer.
Errno tell_time(Call& call, RawValue clock, RawValue out,
                int (*ask)(clockid_t, timespec*)) {
  const auto id = to_clock(clock);
  timespec time{};
  if (!id || ask(*id, &time) != 0) {
    return Errno::kInval;
  }
  const auto bytes = call.memory().slice({out, sizeof(std::uint64_t)});
  if (!bytes) {
    return Errno::kFault;
  }
  store(*bytes, 0, nanoseconds(time));
  return Errno::kSuccess;
}

/// What the guest may know of a host descriptor: character devices are shown
/// as such only if they are terminals, for which guests buffer by lines.
Filetype filetype_of(int fd, const struct stat& info) {
  switch (info.st_mode & S_IFMT) {
    case S_IFCHR: return isatty(fd) != 0 ? kCharacterDevice : kUnknown;
    case S_IFREG: return kRegularFile;
    case S_IFDIR: return kDirectory;
    case S_IFBLK: return kBlockDevice;
    case S_IFSOCK: return kSocketStream;
    default: return kUnknown;
  }
}

struct HostFile {
  Filetype type = kUnknown;
  std::uint64_t size = 0;
};

HostFile describe(int fd) {
  struct stat info{};
  if (fd < 0 || fstat(fd, &info) != 0) {
    return {};
  }
  const Filetype type = filetype_of(fd, info);
  return {type,
          type == kRegularFile ? static_cast<std::uint64_t>(info.st_size) : 0};
}

}  // namespace

Errno wasi_abi::to_errno(int host_errno) {
  switch (host_errno) {
    case 0: return Errno::kSuccess;
    case EACCES: return Errno::kAcces;
    case EAGAIN: return Errno::kAgain;
    case EBADF: return Errno::kBadf;
    case ECONNRESET: return Errno::kConnreset;
    case EDQUOT: return Errno::kDquot;
    case EFAULT: return Errno::kFault;
    case EFBIG: return Errno::kFbig;
    case EINTR: return Errno::kIntr;
    case EINVAL: return Errno::kInval;
    case EISDIR: return Errno::kIsdir;
    case ENOSPC: return Errno::kNospc;
    case EPERM: return Errno::kPerm;
    case EPIPE: return Errno::kPipe;
    default: return Errno::kIo;
  }
}

Wasi::Wasi(int stdin_fd, Output stdout_to, Output stderr_to,
           std::function<void()> on_output_closed)
    : stdin_fd_(stdin_fd),
      stdout_(std::move(stdout_to)),
      stderr_(std::move(stderr_to)),
      on_output_closed_(std::move(on_output_closed)) {}

struct Wasi::Row {
  const char* name;
  std::vector<ValueType> params;
  Errno (Wasi::*function)(Call&, Args);
};

std::vector<HostFunction> Wasi::functions(std::string_view module) {
  const Row rows[] = {
      {"clock_res_get", {kI32, kI32}, &Wasi::clock_res_get},
      {"clock_time_get", {kI32, kI64, kI32}, &Wasi::clock_time_get},
      {"fd_close", {kI32}, &Wasi::fd_close},
      {"fd_fdstat_get", {kI32, kI32}, &Wasi::fd_fdstat_get},
      {"fd_fdstat_set_flags", {kI32, kI32}, &Wasi::fd_fdstat_set_flags},
      {"fd_filestat_get", {kI32, kI32}, &Wasi::fd_filestat_get},
      {"fd_read", {kI32, kI32, kI32, kI32}, &Wasi::fd_read},
      {"fd_renumber", {kI32, kI32}, &Wasi::fd_renumber},
      {"fd_seek", {kI32, kI64, kI32, kI32}, &Wasi::fd_seek},
      {"fd_write", {kI32, kI32, kI32, kI32}, &Wasi::fd_write},
      {"poll_oneoff", {kI32, kI32, kI32, kI32}, &Wasi::poll_oneoff},
  };
  std::vector<HostFunction> functions;
  for (const Row& row : rows) {
    functions.push_back(
        {std::string(module),
         row.name,
         {row.params, {kI32}},
         [this, function = row.function](
             Call& call, Args args, std::span<RawValue> results) -> Status {
           results[0] = std::to_underlying((this->*function)(call, args));
           return {};
         }});
  }
  functions.push_back(
      {std::string(module),
       "proc_exit",
       {{kI32}, {}},
       [](Call& call, Args args, std::span<RawValue>) -> Status {
         return call.exit(static_cast<int>(args[0]));
       }});
  return functions;
}

// -- clocks -----------------------------------------------------------------

Errno Wasi::clock_res_get(Call& call, Args args) {
  return tell_time(call, args[0], args[1], clock_getres);
}

Errno Wasi::clock_time_get(Call& call, Args args) {
  return tell_time(call, args[0], args[2], clock_gettime);
}

// -- descriptors ------------------------------------------------------------

int Wasi::host_fd(RawValue fd) const {
  switch (fd) {
    case 0: return stdin_fd_;
    case 1: return stdout_.fd();
    default: return stderr_.fd();
  }
}

Errno Wasi::fd_close(Call&, Args args) {
  if (!is_open(args[0])) {
    return Errno::kBadf;
  }
  stdio_[args[0]].closed = true;  // for the guest; the host's stays open
  return Errno::kSuccess;
}

Errno Wasi::fd_renumber(Call&, Args args) {
  return is_open(args[0]) && is_open(args[1]) ? Errno::kNotsup : Errno::kBadf;
}

Errno Wasi::fd_seek(Call&, Args args) {
  return is_open(args[0]) ? Errno::kSpipe : Errno::kBadf;
}

Errno Wasi::fd_fdstat_get(Call& call, Args args) {
  if (!is_open(args[0])) {
    return Errno::kBadf;
  }
  const auto out = call.memory().slice({args[1], kFdstatSize});
  if (!out) {
    return Errno::kFault;
  }
  const std::uint64_t rights = (args[0] == 0 ? kRightRead : kRightWrite) |
                               kRightPoll | kRightSetFlags | kRightFilestat;
  const std::uint16_t flags = stdio_[args[0]].nonblocking ? kFlagNonblock : 0;
  std::ranges::fill(*out, std::byte{0});
  store(*out, 0, static_cast<std::uint8_t>(describe(host_fd(args[0])).type));
  store(*out, 2, flags);
  store(*out, 8, rights);
  return Errno::kSuccess;
}

Errno Wasi::fd_fdstat_set_flags(Call&, Args args) {
  if (!is_open(args[0])) {
    return Errno::kBadf;
  }
  if ((args[1] & ~RawValue{kFlagNonblock}) != 0) {
    return Errno::kNotsup;
  }
  stdio_[args[0]].nonblocking = args[1] != 0;  // the host's stays as it is
  return Errno::kSuccess;
}

Errno Wasi::fd_filestat_get(Call& call, Args args) {
  if (!is_open(args[0])) {
    return Errno::kBadf;
  }
  const auto out = call.memory().slice({args[1], kFilestatSize});
  if (!out) {
    return Errno::kFault;
  }
  const HostFile file = describe(host_fd(args[0]));
  std::ranges::fill(*out, std::byte{0});  // no device, inode or times
  store(*out, 16, static_cast<std::uint8_t>(file.type));
  store(*out, 24, std::uint64_t{1});  // links
  store(*out, 32, file.size);
  return Errno::kSuccess;
}

}  // namespace wasmbpf::engine
