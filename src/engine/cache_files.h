#ifndef WASMBPF_ENGINE_CACHE_FILES_H_
#define WASMBPF_ENGINE_CACHE_FILES_H_

// Internal to this folder: the file operations of the compile cache, all
// relative to an open directory.

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace wasmbpf::engine {

inline constexpr char kTemporaryPrefix[] = ".new-";

/// Opens `path`, made (0700) if it is missing.
/// Errors: kPermission unless it is the effective user's own and nobody else
/// may write to it; kSystem.
Result<UniqueFd> open_private_directory(const std::filesystem::path& path);

/// Opens a regular file of the effective user, on which no mode bit of
/// `forbidden_mode` is set.
/// Errors: kNotFound, kPermission, kSystem.
Result<UniqueFd> open_private_file(int directory, const std::string& name,
                                   mode_t forbidden_mode);

enum class Publish { kReplace, kOnlyIfMissing };

/// Writes a whole file (0600) that appears under `name` at once or not at all.
/// Errors: kExists (kOnlyIfMissing), kPermission, kSystem.
Status write_file(int directory, const std::string& name,
                  std::initializer_list<std::span<const std::byte>> parts,
                  Publish publish);

/// Fills `bytes` from the kernel's random numbers.
Status fill_random(std::span<std::byte> bytes);

std::string to_hex(std::span<const std::byte> bytes);

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_CACHE_FILES_H_
