#ifndef WASMBPF_BPF_MAP_H_
#define WASMBPF_BPF_MAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace wasmbpf::bpf {

/// Where bpf(2) reads a caller's file descriptor out of a key or a value. A
/// guest has no descriptors, so each of these needs a translation or a refusal.
enum class DescriptorUse {
  kNone,
  kMapInValue,         ///< Arrays and hashes of maps: the value is a map fd.
  kDescriptorInValue,  ///< Program, perf event, socket and cgroup arrays.
  kProgramAfterValue,  ///< devmap, cpumap: a program fd behind the first u32.
  kDescriptorInKey,    ///< Task, inode, socket and cgroup storage.
  /// Writing registers something with the kernel (struct_ops: the value is
  /// program fds), or is of a type that this version does not know.
  kNeverWritten,
};

struct MapInfo {
  std::string name;
  std::uint32_t id = 0;
  std::uint32_t type = 0;  ///< enum bpf_map_type
  std::string type_name;   ///< "ringbuf", as libbpf names it
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;  ///< of one CPU's value in per-CPU maps
  std::uint32_t max_entries = 0;
  std::uint32_t flags = 0;
  /// Bytes that a look-up writes and an update reads: for per-CPU maps
  /// possible CPUs times the value size rounded up to 8.
  std::size_t transfer_size = 0;
  bool is_ring_buffer = false;
  bool is_perf_buffer = false;
  DescriptorUse descriptor_use = DescriptorUse::kNone;
};

/// One BPF map, with a descriptor of its own: it outlives the object it came
/// from.
/// Errors of all operations: kInvalidArgument for a wrong size (checked here,
/// because the kernel trusts the caller's buffer sizes), else the kernel's
/// errno in `sys_errno` (ENOENT: no such key). Threads: any; the kernel
/// serialises.
class Map {
 public:
  /// `fd` is duplicated. Errors: kSystem.
  static Result<Map> from_fd(int fd);

  const MapInfo& info() const { return info_; }
  int fd() const { return fd_.get(); }

  /// `value` must have exactly `info().transfer_size` bytes, `key` exactly
  /// `key_size` (empty for queues, stacks and bloom filters).
  Status lookup(std::span<const std::byte> key, std::span<std::byte> value,
                std::uint64_t flags) const;
  Status lookup_and_delete(std::span<const std::byte> key,
                           std::span<std::byte> value,
                           std::uint64_t flags) const;
  Status update(std::span<const std::byte> key,
                std::span<const std::byte> value, std::uint64_t flags) const;
  Status erase(std::span<const std::byte> key) const;
  /// The key after `key`; without `key` the first. ENOENT after the last.
  Status next_key(std::optional<std::span<const std::byte>> key,
                  std::span<std::byte> next) const;

 private:
  Map(UniqueFd fd, MapInfo info) : fd_(std::move(fd)), info_(std::move(info)) {}

  UniqueFd fd_;
  MapInfo info_;
};

/// CPUs the kernel sizes per-CPU values for; at least 1.
/// Errors: kSystem when sysfs cannot be read.
Result<int> possible_cpus();

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_MAP_H_
