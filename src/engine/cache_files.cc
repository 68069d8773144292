#include "engine/cache_files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace wasmbpf::engine {
namespace {

/// mkdir -p; the last one for its owner only.
Status make_directory(const std::filesystem::path& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) {
    return {};
  }
  const int err = errno;
  const std::filesystem::path parent = path.parent_path();
  if (err != ENOENT || parent.empty() || parent == path) {
    return system_error("make directory '" + path.string() + "'", err);
  }
  WASMBPF_TRY(make_directory(parent, 0755));
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return system_error("make directory '" + path.string() + "'", errno);
  }
  return {};
}

Status check_private(int fd, const std::string& name, mode_t type,
                     mode_t forbidden_mode) {
  struct stat info{};
  if (fstat(fd, &info) != 0) {
    return system_error("examine '" + name + "'", errno);
  }
  if ((info.st_mode & S_IFMT) != type) {
    return Error(Errc::kPermission, "'" + name + "' is of another file type");
  }
  if (info.st_uid != geteuid()) {
    return Error(Errc::kPermission, "'" + name + "' belongs to another user");
  }
  if ((info.st_mode & forbidden_mode) != 0) {
    return Error(
        Errc::kPermission,
        "'" + name + "' is open to other users (chmod go= " + name + ")");
  }
  return {};
}

Status write_all(int fd, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return system_error("write", errno);
    }
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Status publish_file(int directory, const std::string& temporary,
                    const std::string& name, Publish publish) {
  const int done =
      publish == Publish::kReplace
          ? renameat(directory, temporary.c_str(), directory, name.c_str())
          : linkat(directory, temporary.c_str(), directory, name.c_str(), 0);
  if (done == 0) {
    return {};
  }
  const int err = errno;
  if (err == EEXIST) {
    return Error(Errc::kExists, "'" + name + "' is there already", err);
  }
  return system_error("name a file '" + name + "'", err);
}

}  // namespace

Result<UniqueFd> open_private_directory(const std::filesystem::path& path) {
  WASMBPF_TRY(make_directory(path, 0700));
  UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    return system_error("open directory '" + path.string() + "'", errno);
  }
  WASMBPF_TRY(
      check_private(fd.get(), path.string(), S_IFDIR, S_IWGRP | S_IWOTH));
  return fd;
}

Result<UniqueFd> open_private_file(int directory, const std::string& name,
                                   mode_t forbidden_mode) {
  // O_NONBLOCK: a fifo of that name must not hold us up before the check.
  UniqueFd fd(openat(directory, name.c_str(),
                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    const int err = errno;
    if (err == ENOENT) {
      return Error(Errc::kNotFound, "no file '" + name + "'", err);
    }
    return system_error("open '" + name + "'", err);
  }
  WASMBPF_TRY(check_private(fd.get(), name, S_IFREG, forbidden_mode));
  return fd;
}

Status write_file(int directory, const std::string& name,
                  std::initializer_list<std::span<const std::byte>> parts,
                  Publish publish) {
  std::array<std::byte, 8> random{};
  WASMBPF_TRY(fill_random(random));
  const std::string temporary = kTemporaryPrefix + to_hex(random);
  const UniqueFd fd(openat(directory, temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           0600));
  if (!fd) {
    return system_error("make a file in the directory", errno);
  }
  Status done;
  for (const auto part : parts) {
    if (done) {
      done = write_all(fd.get(), part);
    }
  }
  if (done) {
    done = publish_file(directory, temporary, name, publish);
  }
  if (!done || publish == Publish::kOnlyIfMissing) {
    unlinkat(directory, temporary.c_str(), 0);
  }
  return done;
}

Status fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = getrandom(bytes.data(), bytes.size(), 0);
    if (n < 0 && errno != EINTR) {
      return system_error("getrandom", errno);
    }
    bytes = bytes.subspan(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  return {};
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 0xf];
  }
  return text;
}

}  // namespace wasmbpf::engine
