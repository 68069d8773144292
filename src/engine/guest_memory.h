#ifndef WASMBPF_ENGINE_GUEST_MEMORY_H_
#define WASMBPF_ENGINE_GUEST_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wasmbpf::engine {

/// A range of guest addresses as a guest gave it: any numbers at all.
struct GuestRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The guest's linear memory during one host call. A span from it dies at the
/// next call into the guest, at memory growth and at return: keep none.
/// Errors of all: kOutOfBounds.
/// Trust: contents and ranges are the guest's; read once, by copy.
class GuestMemory {
 public:
  explicit GuestMemory(std::span<std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t size_bytes() const { return bytes_.size(); }

  Result<std::span<std::byte>> slice(GuestRange range) const {
    if (range.offset > bytes_.size() ||
        range.size > bytes_.size() - range.offset) {
      return Error(Errc::kOutOfBounds, "guest range outside linear memory");
    }
    return bytes_.subspan(range.offset, range.size);
  }

  Result<std::vector<std::byte>> copy_in(GuestRange range) const;
  Status copy_out(std::uint64_t offset, std::span<const std::byte> data) const;

  /// A NUL-terminated string of at most `max_size` bytes before the NUL.
  /// Errors: also kTooLarge when no NUL comes in time.
  Result<std::string> read_string(std::uint64_t offset,
                                  std::size_t max_size) const;

 private:
  std::span<std::byte> bytes_;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_GUEST_MEMORY_H_
