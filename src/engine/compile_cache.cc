#include "engine/compile_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasmbpf_engine.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "engine/cache_files.h"

namespace wasmbpf::engine {
namespace {

using Bytes = std::span<const std::byte>;

constexpr char kSecretName[] = "secret";
constexpr std::string_view kImageSuffix = ".cwasm";
constexpr time_t kHour = 3600;
constexpr time_t kDay = 24 * kHour;

/// A file's content, mapped.
class Mapping {
 public:
  static Result<Mapping> of(int fd) {
    struct stat info{};
    if (fstat(fd, &info) != 0) {
      return system_error("examine the file", errno);
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size == 0) {
      return Mapping({});
    }
    void* const start =
        mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (start == MAP_FAILED) {
      return system_error("map the file", errno);
    }
    return Mapping({static_cast<const std::byte*>(start), size});
  }
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (!bytes_.empty()) {
      munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }
  }
  Bytes bytes() const { return bytes_; }

 private:
  explicit Mapping(Bytes bytes) : bytes_(bytes) {}
  Bytes bytes_;
};

Result<Digest> read_secret(int directory) {
  WASMBPF_TRY_ASSIGN(const UniqueFd fd,
                     open_private_file(directory, kSecretName, 0077));
  WASMBPF_TRY_ASSIGN(const Mapping content, Mapping::of(fd.get()));
  Digest secret{};
  if (content.bytes().size() != secret.size()) {
    return Error(Errc::kInvalidArgument, "the cache's secret is damaged");
  }
  std::ranges::copy(content.bytes(),
                    std::as_writable_bytes(std::span(secret)).begin());
  return secret;
}

/// Reads the directory's secret, or makes one.
Result<Digest> get_secret(int directory) {
  auto secret = read_secret(directory);
  if (secret || (secret.error().code() != Errc::kNotFound &&
                 secret.error().code() != Errc::kInvalidArgument)) {
    return secret;
  }
  // Two processes may do this at once: the first one's secret stays.
  const Publish publish = secret.error().code() == Errc::kNotFound
                              ? Publish::kOnlyIfMissing
                              : Publish::kReplace;
  Digest fresh{};
  const auto bytes = std::as_writable_bytes(std::span(fresh));
  WASMBPF_TRY(fill_random(bytes));
  const Status written = write_file(directory, kSecretName, {bytes}, publish);
  if (!written && written.error().code() != Errc::kExists) {
    return written.error();
  }
  return read_secret(directory);
}

/// Moves a file's time on, so that images in use are the last to be dropped.
void mark_used(int fd) {
  struct stat info{};
  if (fstat(fd, &info) == 0 && std::time(nullptr) - info.st_mtime > kDay) {
    futimens(fd, nullptr);
  }
}

struct Entry {
  std::string name;
  struct stat info;
};

std::vector<Entry> entries_of(int directory) {
  std::vector<Entry> entries;
  const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return entries;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(fd), closedir);
  if (stream == nullptr) {
    ::close(fd);
    return entries;
  }
  while (const dirent* const item = readdir(stream.get())) {
    Entry entry{item->d_name, {}};
    if (fstatat(fd, item->d_name, &entry.info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(entry.info.st_mode)) {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

}  // namespace

Digest keyed_digest(const Digest& key, Bytes data) {
  static const std::uint8_t kNothing = 0;  // Rust wants no null, even for none
  Digest digest{};
  wasmbpf_keyed_digest(key.data(),
                       data.empty()
                           ? &kNothing
                           : reinterpret_cast<const std::uint8_t*>(data.data()),
                       data.size(), digest.data());
  return digest;
}

CompileCache::CompileCache(std::shared_ptr<State> state)
    : state_(std::move(state)) {}

Result<CompileCache> CompileCache::open(
    const std::filesystem::path& directory) {
  if (directory.empty()) {
    return Error(Errc::kInvalidArgument,
                 "no place for the compile cache: neither XDG_CACHE_HOME nor "
                 "HOME is set");
  }
  auto state = std::make_shared<State>();
  state->path = directory;
  WASMBPF_TRY_ASSIGN(state->directory, open_private_directory(directory));
  WASMBPF_TRY_ASSIGN(state->secret, get_secret(state->directory.get()));
  return CompileCache(std::move(state));
}

std::filesystem::path CompileCache::default_directory() {
  if (geteuid() == 0) {
    return "/var/cache/wasm-bpf";
  }
  const char* const xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') {  // a relative one is to be ignored
    return std::filesystem::path(xdg) / "wasm-bpf";
  }
  const char* const home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') {
    return std::filesystem::path(home) / ".cache" / "wasm-bpf";
  }
  return {};
}

std::string CompileCache::State::image_name(const EngineState& engine,
                                            Bytes module) {
  const Digest settings =
      keyed_digest(Digest{}, std::as_bytes(std::span(engine.fingerprint)));
  const Digest key = keyed_digest(settings, module);
  return to_hex(std::as_bytes(std::span(key))) + std::string(kImageSuffix);
}

Digest CompileCache::State::image_digest(const std::string& name,
                                         Bytes image) const {
  // The name is part of it: an image must not pass for another's.
  const Digest key = keyed_digest(secret, std::as_bytes(std::span(name)));
  return keyed_digest(key, image);
}

Status CompileCache::State::load_checked(const EngineState& engine,
                                         const std::string& name, int fd,
                                         ModuleState& module) const {
  WASMBPF_TRY_ASSIGN(const Mapping content, Mapping::of(fd));
  const Bytes bytes = content.bytes();
  const std::size_t size = std::max(bytes.size(), kTrailerSize) - kTrailerSize;
  const Digest digest = image_digest(name, bytes.first(size));
  if (size == 0 || !std::ranges::equal(std::as_bytes(std::span(digest)),
                                       bytes.last(kTrailerSize))) {
    return Error(Errc::kInvalidArgument, "the image is damaged");
  }
  // By descriptor: what was checked is what is mapped.
  const std::string checked = "/proc/self/fd/" + std::to_string(fd);
  wasmtime_module_t* mapped = nullptr;
  const ErrorPtr unmappable(wasmtime_module_deserialize_file(
      engine.engine.get(), checked.c_str(), &mapped));
  module.module.reset(mapped);
  module.trailer_size = kTrailerSize;
  if (!unmappable) {
    return {};
  }
  // A file system without execution, or no /proc: a copy serves as well.
  wasmtime_module_t* copied = nullptr;
  const ErrorPtr unusable(wasmtime_module_deserialize(
      engine.engine.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
      size, &copied));
  module.module.reset(copied);
  module.trailer_size = 0;
  if (unusable) {
    return Error(Errc::kInvalidModule, message_of(*unusable));
  }
  return {};
}

bool CompileCache::State::load(const EngineState& engine,
                               const std::string& name, const Logger& logger,
                               ModuleState& module) const {
  const auto fd = open_private_file(directory.get(), name, S_IWGRP | S_IWOTH);
  const Status loaded =
      fd ? load_checked(engine, name, fd->get(), module) : Status(fd.error());
  if (loaded) {
    module.from_cache = true;
    mark_used(fd->get());
    return true;
  }
  if (loaded.error().code() != Errc::kNotFound) {
    logger.warning("compile cache '" + path.string() + "': " + name + ": " +
                   loaded.error().message() + "; compiling again");
  }
  return false;
}

Status CompileCache::State::write(const std::string& name, Bytes image) const {
  const Digest digest = image_digest(name, image);
  return write_file(directory.get(), name,
                    {image, std::as_bytes(std::span(digest))},
                    Publish::kReplace);
}

void CompileCache::State::store(const std::string& name, Bytes image,
                                const Logger& logger) const {
  if (const Status written = write(name, image); !written) {
    logger.warning("compile cache '" + path.string() +
                   "': " + written.error().message());
    return;
  }
  prune();
}

void CompileCache::State::prune() const {
  const time_t now = std::time(nullptr);
  std::vector<Entry> images;
  std::uint64_t total = 0;
  for (Entry& entry : entries_of(directory.get())) {
    if (entry.name.starts_with(kTemporaryPrefix)) {
      if (now - entry.info.st_mtime > kHour) {  // its writer died
        unlinkat(directory.get(), entry.name.c_str(), 0);
      }
    } else if (entry.name.ends_with(kImageSuffix)) {
      total += static_cast<std::uint64_t>(entry.info.st_size);
      images.push_back(std::move(entry));
    }
  }
  std::ranges::sort(images, {}, [](const Entry& entry) {
    return std::pair(entry.info.st_mtim.tv_sec, entry.info.st_mtim.tv_nsec);
  });
  for (const Entry& oldest : images) {
    if (total <= max_total_bytes) {
      return;
    }
    if (unlinkat(directory.get(), oldest.name.c_str(), 0) == 0) {
      total -= static_cast<std::uint64_t>(oldest.info.st_size);
    }
  }
}

}  // namespace wasmbpf::engine
