#ifndef WASMBPF_ENGINE_IOVEC_PREFIX_H_
#define WASMBPF_ENGINE_IOVEC_PREFIX_H_

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace wasmbpf::engine {

/// Bytes of one read or write: a guest may ask for 4 GiB, and between two
/// system calls a stop is noticed.
inline constexpr std::size_t kMaxAttempt = std::size_t{1} << 20;

/// The next parts that are not empty, at most `limit` bytes of them.
class Prefix {
 public:
  Prefix(std::span<const iovec> parts, std::size_t limit) {
    for (const iovec& part : parts) {
      if (count_ == parts_.size() || limit == 0) {
        break;
      }
      if (part.iov_len == 0) {
        continue;
      }
      parts_[count_] = part;
      parts_[count_].iov_len = std::min(part.iov_len, limit);
      limit -= parts_[count_].iov_len;
      ++count_;
    }
  }
  std::span<const iovec> parts() const {
    return std::span(parts_).first(count_);
  }

 private:
  static constexpr std::size_t kMaxParts = 16;
  std::array<iovec, kMaxParts> parts_{};
  std::size_t count_ = 0;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_IOVEC_PREFIX_H_
