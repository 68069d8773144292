#ifndef WASMBPF_HOST_FUNCTION_H_
#define WASMBPF_HOST_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "wasmbpf/result.h"

namespace wasmbpf {

enum class ValueType : std::uint8_t { kI32, kI64, kF32, kF64 };

/// What an embedder's function sees of the guest that calls it.
///
/// Ranges are the guest's numbers and are checked here. Nothing of it may be
/// kept past the call.
class GuestCall {
 public:
  virtual ~GuestCall() = default;

  /// Bytes of the guest's linear memory now.
  virtual std::uint64_t memory_size_bytes() const = 0;
  /// Errors of both: kOutOfBounds.
  virtual Result<std::vector<std::byte>> read(std::uint64_t offset,
                                              std::uint64_t size) const = 0;
  virtual Status write(std::uint64_t offset,
                       std::span<const std::byte> data) const = 0;
};

/// A function of the embedder's own that guests may import. One with the name
/// of a WASI function takes its place.
///
/// Values travel by their bits, i32 and f32 in the low half. An Error from
/// `call` ends the guest (ended_by: runtime) and carries its message; what the
/// guest can handle belongs into `results`. Must not throw.
/// Threads: called on the session's thread.
struct HostFunction {
  std::string module;
  std::string name;
  std::vector<ValueType> params;
  std::vector<ValueType> results;
  std::function<Status(GuestCall& guest, std::span<const std::uint64_t> params,
                       std::span<std::uint64_t> results)>
      call;
};

}  // namespace wasmbpf

#endif  // WASMBPF_HOST_FUNCTION_H_
