#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/unique_fd.h"

namespace wasmbpf {
namespace {

constexpr std::size_t kFirstBytes = std::size_t{64} << 10;

Error file_error(const char* what, const std::filesystem::path& path, int err) {
  Error error =
      system_error(std::string(what) + " '" + path.string() + "'", err);
  switch (err) {
    case ENOENT: return Error(Errc::kNotFound, error.message(), err);
    case EACCES:
    case EPERM: return Error(Errc::kPermission, error.message(), err);
    default: return error;
  }
}

Status write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return system_error("write", errno);
    }
    bytes = bytes.subspan(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) {
    return file_error("open", path, errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return file_error("open", path, EISDIR);
  }
  const auto too_large = [&] {
    return Error(Errc::kTooLarge, "'" + path.string() + "' has more than " +
                                      std::to_string(max_bytes >> 20) + " MiB");
  };
  if (S_ISCHR(info.st_mode)) {
    return Error(Errc::kInvalidArgument, "'" + path.string() + "' is a device");
  }
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) {
    return too_large();
  }
  // One more than there should be, to see the end of it.
  std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t done = 0;
  for (;;) {
    if (done > max_bytes) {
      return too_large();
    }
    if (done == bytes.size()) {  // a pipe, or a file that grows
      bytes.resize(std::min(std::max(2 * done, kFirstBytes), max_bytes + 1));
    }
    const ssize_t n =
        ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR) {
      return file_error("read", path, errno);
    }
    if (n == 0) {
      bytes.resize(done);
      return bytes;
    }
    done += n < 0 ? 0 : static_cast<std::size_t>(n);
  }
}

Status replace_file(const std::filesystem::path& path,
                    std::span<const std::byte> bytes, mode_t mode) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return Error(Errc::kInvalidArgument,
                 "'" + path.string() + "' is there and no regular file");
  }
  std::string temporary = path.string() + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) {
    return file_error("write", path, errno);
  }
  auto done = write_all(fd.get(), bytes);
  if (done && (::fchmod(fd.get(), mode) != 0 ||
               ::rename(temporary.c_str(), path.c_str()) != 0)) {
    done = system_error("rename", errno);
  }
  if (!done) {
    const int err = done.error().sys_errno();
    ::unlink(temporary.c_str());
    return file_error("write", path, err);
  }
  return {};
}

}  // namespace wasmbpf
