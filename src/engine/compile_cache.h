#ifndef WASMBPF_ENGINE_COMPILE_CACHE_H_
#define WASMBPF_ENGINE_COMPILE_CACHE_H_

// Internal to this folder: the directory behind CompileCache.
//
// KEY.cwasm    an image as the engine makes it, then 32 bytes: its digest
// secret       the 32 random bytes that key the digests, readable by us only
// .new-RANDOM  files being written
//
// KEY names the module's bytes and everything else that an image depends on.
// An image is native code, so the digest is what stands between a forged file
// and this process; the owner and mode of the directory and of each file are
// checked as well, on what is open, not on names.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "engine/engine.h"
#include "engine/state.h"

namespace wasmbpf::engine {

using Digest = std::array<std::uint8_t, 32>;

/// BLAKE3 of `data`, keyed.
Digest keyed_digest(const Digest& key, std::span<const std::byte> data);

struct CompileCache::State {
  static constexpr std::size_t kTrailerSize = sizeof(Digest);

  std::filesystem::path path;  // for messages
  UniqueFd directory;
  Digest secret{};
  /// Above it the images used longest ago are dropped.
  std::uint64_t max_total_bytes = std::uint64_t{512} << 20;

  static std::string image_name(const EngineState& engine,
                                std::span<const std::byte> module);

  /// False when there is no image, or none that may be used (with a warning).
  bool load(const EngineState& engine, const std::string& name,
            const Logger& logger, ModuleState& module) const;

  /// Keeps an image for later runs. Failures are logged, no more.
  void store(const std::string& name, std::span<const std::byte> image,
             const Logger& logger) const;

 private:
  Digest image_digest(const std::string& name,
                      std::span<const std::byte> image) const;
  Status load_checked(const EngineState& engine, const std::string& name,
                      int fd, ModuleState& module) const;
  Status write(const std::string& name, std::span<const std::byte> image) const;
  void prune() const;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_COMPILE_CACHE_H_
