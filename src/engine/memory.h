#ifndef WASMBPF_ENGINE_MEMORY_H_
#define WASMBPF_ENGINE_MEMORY_H_

// Internal to this folder.

#include <cstddef>
#include <cstdint>

#include "base/result.h"

struct wasm_config_t;

namespace wasmbpf::engine {

/// The address space of one linear memory: a reservation at a 4 GiB boundary
/// that grows in place and never moves, so that kernel memory can be mapped
/// into it, and so that the low half of an address is the guest's own address.
/// Threads: none; one memory belongs to one guest.
class LinearMemory {
 public:
  static constexpr std::uint64_t kAlignment = std::uint64_t{1} << 32;

  /// Reserves `capacity + guard` bytes, nothing of it accessible; sizes are
  /// multiples of the page size.
  /// Errors: kSystem (out of address space; RLIMIT_AS).
  static Result<LinearMemory> reserve(std::size_t capacity, std::size_t guard);

  LinearMemory(LinearMemory&& other) noexcept;
  LinearMemory& operator=(LinearMemory&&) = delete;
  ~LinearMemory();

  /// Makes the first `size` bytes accessible; new ones are zero.
  /// Errors: kTooLarge beyond the capacity, kSystem.
  Status grow_to(std::size_t size);

  std::byte* base() const { return base_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

 private:
  LinearMemory(std::byte* base, std::size_t capacity, std::size_t guard)
      : base_(base), capacity_(capacity), guard_(guard) {}

  std::byte* base_;
  std::size_t capacity_;
  std::size_t guard_;
  std::size_t size_ = 0;
};

/// Makes the engine take all its linear memories from LinearMemory.
void use_linear_memory(wasm_config_t& config);

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_MEMORY_H_
