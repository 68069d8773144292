#include "engine/guest_memory.h"

#include <algorithm>
#include <cstring>

namespace wasmbpf::engine {

Result<std::vector<std::byte>> GuestMemory::copy_in(GuestRange range) const {
  WASMBPF_TRY_ASSIGN(const std::span<const std::byte> bytes, slice(range));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Status GuestMemory::copy_out(std::uint64_t offset,
                             std::span<const std::byte> data) const {
  WASMBPF_TRY_ASSIGN(const auto bytes, slice({offset, data.size()}));
  std::ranges::copy(data, bytes.begin());
  return {};
}

Result<std::string> GuestMemory::read_string(std::uint64_t offset,
                                             std::size_t max_size) const {
  WASMBPF_TRY_ASSIGN(const auto start, slice({offset, 0}));
  // One byte more than may be used, so that the NUL has room.
  const std::size_t left = bytes_.size() - offset;
  const std::size_t window = max_size < left ? max_size + 1 : left;
  const auto* const text = reinterpret_cast<const char*>(start.data());
  const std::size_t length = window == 0 ? 0 : strnlen(text, window);
  if (length < window) {
    return std::string(text, length);
  }
  if (window <= max_size) {
    return Error(Errc::kOutOfBounds, "guest string runs out of linear memory");
  }
  return Error(Errc::kTooLarge, "guest string is longer than " +
                                    std::to_string(max_size) + " bytes");
}

}  // namespace wasmbpf::engine
