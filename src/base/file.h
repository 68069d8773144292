#ifndef WASMBPF_BASE_FILE_H_
#define WASMBPF_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"

namespace wasmbpf {

/// All of a file or a pipe. Waits for a pipe's other end.
/// Errors: kNotFound, kPermission, kTooLarge beyond `max_bytes`,
/// kInvalidArgument (a device: some have no end), kSystem.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::size_t max_bytes);

/// Puts a file with `bytes` in the place of `path`, whole or not at all:
/// written beside it under a name that nobody can guess, then renamed. What is
/// there may only be a regular file, or nothing; a link is neither (/dev/stdout
/// is one). `mode` counts, whatever the umask is. Errors: kInvalidArgument (a
/// device, a folder, a link), kPermission, kSystem.
Status replace_file(const std::filesystem::path& path,
                    std::span<const std::byte> bytes, mode_t mode);

}  // namespace wasmbpf

#endif  // WASMBPF_BASE_FILE_H_
