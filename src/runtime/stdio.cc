#include "runtime/stdio.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace wasmbpf {
namespace {

constexpr mode_t kNewFileMode = 0666;  // the umask takes its share

Result<UniqueFd> open_file(std::string_view stream,
                           const std::filesystem::path& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, kNewFileMode));
  if (!fd) {
    return system_error(std::string(stream) + " '" + path.string() + "'",
                        errno);
  }
  return fd;
}

/// Bytes become a memory file, so that the guest's reads are a descriptor's.
Result<UniqueFd> memory_file(std::span<const std::byte> bytes) {
  UniqueFd fd(memfd_create("wasm-bpf-stdin", MFD_CLOEXEC));
  if (!fd) {
    return system_error("memfd_create for stdin", errno);
  }
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return system_error("write to stdin's memory file", errno);
    }
    bytes = bytes.subspan(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

Result<int> open_input(const Input& input, std::vector<UniqueFd>& owned) {
  if (const int* fd = std::get_if<int>(&input)) {
    return *fd;
  }
  UniqueFd opened;
  if (const auto* path = std::get_if<std::filesystem::path>(&input)) {
    WASMBPF_TRY_ASSIGN(opened, open_file("stdin", *path, O_RDONLY));
  } else if (const auto* bytes = std::get_if<std::vector<std::byte>>(&input)) {
    WASMBPF_TRY_ASSIGN(opened, memory_file(*bytes));
  } else {
    return -1;
  }
  owned.push_back(std::move(opened));
  return owned.back().get();
}

Result<engine::Output> open_output(std::string_view stream,
                                   const Output& output,
                                   std::vector<UniqueFd>& owned) {
  using Function = std::function<void(std::span<const std::byte>)>;
  if (const int* fd = std::get_if<int>(&output)) {
    return engine::Output(*fd);
  }
  if (const auto* function = std::get_if<Function>(&output)) {
    return engine::Output(*function);
  }
  if (const auto* path = std::get_if<std::filesystem::path>(&output)) {
    WASMBPF_TRY_ASSIGN(UniqueFd fd,
                       open_file(stream, *path, O_WRONLY | O_CREAT | O_TRUNC));
    owned.push_back(std::move(fd));
    return engine::Output(owned.back().get());
  }
  return engine::Output(Function([](std::span<const std::byte>) {}));
}

}  // namespace

Result<Stdio> open_stdio(const SessionOptions& options) {
  Stdio stdio;
  WASMBPF_TRY_ASSIGN(stdio.stdin_fd,
                     open_input(options.stdin_from, stdio.owned));
  WASMBPF_TRY_ASSIGN(stdio.stdout_to,
                     open_output("stdout", options.stdout_to, stdio.owned));
  WASMBPF_TRY_ASSIGN(stdio.stderr_to,
                     open_output("stderr", options.stderr_to, stdio.owned));
  return stdio;
}

}  // namespace wasmbpf
