#include "engine/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "engine/raw.h"

namespace wasmbpf::engine {
namespace {

wasmtime_error_t* engine_error(const Error& error) {
  return wasmtime_error_new(error.message().c_str());
}

std::uint8_t* get_memory(void* env, std::size_t* size,
                         std::size_t* capacity) noexcept {
  const auto& memory = *static_cast<const LinearMemory*>(env);
  *size = memory.size();
  *capacity = memory.capacity();
  return reinterpret_cast<std::uint8_t*>(memory.base());
}

wasmtime_error_t* grow_memory(void* env, std::size_t new_size) noexcept {
  const Status grown = static_cast<LinearMemory*>(env)->grow_to(new_size);
  return grown ? nullptr : engine_error(grown.error());
}

void free_memory(void* env) noexcept { delete static_cast<LinearMemory*>(env); }

wasmtime_error_t* new_memory(void*, const wasm_memorytype_t*,
                             std::size_t minimum, std::size_t /*maximum*/,
                             std::size_t reserved, std::size_t guard,
                             wasmtime_linear_memory_t* out) noexcept {
  auto memory = LinearMemory::reserve(reserved, guard);
  if (!memory) {
    return engine_error(memory.error());
  }
  if (const Status grown = memory->grow_to(minimum); !grown) {
    return engine_error(grown.error());
  }
  out->env = new LinearMemory(std::move(*memory));
  out->get_memory = get_memory;
  out->grow_memory = grow_memory;
  out->finalizer = free_memory;
  return nullptr;
}

}  // namespace

Result<LinearMemory> LinearMemory::reserve(std::size_t capacity,
                                           std::size_t guard) {
  const std::size_t wanted = capacity + guard;
  void* const mapped = mmap(nullptr, wanted + kAlignment, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return system_error("reserve " + std::to_string(wanted >> 20) +
                            " MiB of addresses for the guest's memory "
                            "(is 'ulimit -v' set?)",
                        errno);
  }
  // Keep the aligned part, give back what lies before and after it.
  auto* const start = static_cast<std::byte*>(mapped);
  const std::size_t before =
      -reinterpret_cast<std::uintptr_t>(mapped) & (kAlignment - 1);
  if (before > 0) {
    munmap(start, before);
  }
  std::byte* const base = start + before;
  if (const std::size_t after = kAlignment - before; after > 0) {
    munmap(base + wanted, after);
  }
  return LinearMemory(base, capacity, guard);
}

LinearMemory::LinearMemory(LinearMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      capacity_(other.capacity_),
      guard_(other.guard_),
      size_(other.size_) {}

LinearMemory::~LinearMemory() {
  if (base_ != nullptr) {
    munmap(base_, capacity_ + guard_);
  }
}

Status LinearMemory::grow_to(std::size_t size) {
  if (size > capacity_) {
    return Error(Errc::kTooLarge, "the guest's memory cannot grow beyond " +
                                      std::to_string(capacity_) + " bytes");
  }
  if (size <= size_) {
    return {};
  }
  if (mprotect(base_ + size_, size - size_, PROT_READ | PROT_WRITE) != 0) {
    return system_error("grow the guest's memory", errno);
  }
  size_ = size;
  return {};
}

void use_linear_memory(wasm_config_t& config) {
  wasmtime_memory_creator_t creator{};
  creator.new_memory = new_memory;
  wasmtime_config_host_memory_creator_set(&config, &creator);
}

}  // namespace wasmbpf::engine
