#ifndef WASMBPF_ENGINE_WASI_ABI_H_
#define WASMBPF_ENGINE_WASI_ABI_H_

// Internal to this folder: numbers and layouts of WASI preview 1
// (wasi_snapshot_preview1.witx), as far as wasi*.cc use them.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wasmbpf::engine::wasi_abi {

enum class Errno : std::uint16_t {
  kSuccess = 0,
  kAcces = 2,
  kAgain = 6,
  kBadf = 8,
  kConnreset = 15,
  kDquot = 19,
  kFault = 21,
  kFbig = 22,
  kIntr = 27,
  kInval = 28,
  kIo = 29,
  kIsdir = 31,
  kNospc = 51,
  kNotsup = 58,
  kPerm = 63,
  kPipe = 64,
  kSpipe = 70,
};

/// The guest's number for one of the host's; kIo where there is no row.
Errno to_errno(int host_errno);

enum Filetype : std::uint8_t {
  kUnknown = 0,
  kBlockDevice = 1,
  kCharacterDevice = 2,
  kDirectory = 3,
  kRegularFile = 4,
  kSocketStream = 6,
};

inline constexpr std::uint16_t kFlagNonblock = 4;

inline constexpr std::uint64_t kRightRead = 1 << 1;
inline constexpr std::uint64_t kRightSeek = 1 << 2;
inline constexpr std::uint64_t kRightSetFlags = 1 << 3;
inline constexpr std::uint64_t kRightTell = 1 << 5;
inline constexpr std::uint64_t kRightWrite = 1 << 6;
inline constexpr std::uint64_t kRightFilestat = 1 << 21;
inline constexpr std::uint64_t kRightPoll = 1 << 27;

enum ClockId : std::uint32_t {
  kRealtime = 0,
  kMonotonic = 1,
  kProcessCpu = 2,
  kThreadCpu = 3,
};

enum EventType : std::uint8_t { kClock = 0, kFdRead = 1, kFdWrite = 2 };
inline constexpr std::uint16_t kClockAbsolute = 1;
inline constexpr std::uint16_t kHangup = 1;

inline constexpr std::size_t kIovecSize = 8;
inline constexpr std::size_t kFdstatSize = 24;
inline constexpr std::size_t kFilestatSize = 64;
inline constexpr std::size_t kSubscriptionSize = 48;
inline constexpr std::size_t kEventSize = 32;

/// Little-endian, as the host is.
template <typename T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

template <typename T>
void store(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.subspan(offset, sizeof value).data(), &value, sizeof value);
}

}  // namespace wasmbpf::engine::wasi_abi

#endif  // WASMBPF_ENGINE_WASI_ABI_H_
