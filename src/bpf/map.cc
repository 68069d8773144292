#include "bpf/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cerrno>

#include "bpf/errors.h"

namespace wasmbpf::bpf {
namespace {

DescriptorUse descriptor_use(std::uint32_t type) {
  switch (type) {
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS: return DescriptorUse::kMapInValue;
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_SOCKMAP:
    case BPF_MAP_TYPE_SOCKHASH:
    case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
    case BPF_MAP_TYPE_XSKMAP: return DescriptorUse::kDescriptorInValue;
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP: return DescriptorUse::kProgramAfterValue;
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_INODE_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case BPF_MAP_TYPE_CGRP_STORAGE: return DescriptorUse::kDescriptorInKey;
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_STACK_TRACE:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_LPM_TRIE:
    case BPF_MAP_TYPE_CGROUP_STORAGE:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
    case BPF_MAP_TYPE_BLOOM_FILTER:
    case BPF_MAP_TYPE_ARENA: return DescriptorUse::kNone;
    default: return DescriptorUse::kNeverWritten;
  }
}

bool is_per_cpu(std::uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/// Null for maps without keys: what the kernel wants to see there.
const void* pointer(std::span<const std::byte> bytes) {
  return bytes.empty() ? nullptr : bytes.data();
}

Error wrong_size(const MapInfo& info, const char* what, std::size_t got,
                 std::size_t want) {
  return Error(Errc::kInvalidArgument,
               "map '" + info.name + "': " + what + " of " +
                   std::to_string(got) + " bytes where " +
                   std::to_string(want) + " are needed");
}

Status check_sizes(const MapInfo& info, std::span<const std::byte> key,
                   std::span<const std::byte> value, bool with_value) {
  if (key.size() != info.key_size) {
    return wrong_size(info, "a key", key.size(), info.key_size);
  }
  if (with_value && value.size() != info.transfer_size) {
    return wrong_size(info, "a value", value.size(), info.transfer_size);
  }
  return {};
}

Status outcome(const MapInfo& info, const char* what, int result) {
  if (result == 0) {
    return {};
  }
  const int err = errno;
  return errno_error("map '" + info.name + "': " + what, err);
}

}  // namespace

Result<int> possible_cpus() {
  const int count = libbpf_num_possible_cpus();
  if (count < 1) {
    return errno_error("count possible CPUs", -count);
  }
  return count;
}

Result<Map> Map::from_fd(int fd) {
  UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own) {
    return system_error("duplicate a map's descriptor", errno);
  }
  bpf_map_info kernel_info{};
  std::uint32_t size = sizeof kernel_info;
  if (bpf_map_get_info_by_fd(own.get(), &kernel_info, &size) != 0) {
    const int err = errno;
    return errno_error("read a map's facts", err);
  }
  MapInfo info;
  info.name = kernel_info.name;
  info.id = kernel_info.id;
  info.type = kernel_info.type;
  const char* const type_name =
      libbpf_bpf_map_type_str(static_cast<bpf_map_type>(kernel_info.type));
  info.type_name = type_name != nullptr ? type_name : "unknown";
  info.key_size = kernel_info.key_size;
  info.value_size = kernel_info.value_size;
  info.max_entries = kernel_info.max_entries;
  info.flags = kernel_info.map_flags;
  info.transfer_size = kernel_info.value_size;
  if (is_per_cpu(info.type)) {
    WASMBPF_TRY_ASSIGN(const int cpus, possible_cpus());
    info.transfer_size =
        ((std::size_t{info.value_size} + 7) & ~std::size_t{7}) *
        static_cast<std::size_t>(cpus);
  }
  info.is_ring_buffer = info.type == BPF_MAP_TYPE_RINGBUF;
  info.is_perf_buffer = info.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
  info.descriptor_use = descriptor_use(info.type);
  return Map(std::move(own), std::move(info));
}

Status Map::lookup(std::span<const std::byte> key, std::span<std::byte> value,
                   std::uint64_t flags) const {
  WASMBPF_TRY(check_sizes(info_, key, value, true));
  return outcome(
      info_, "look up a key",
      bpf_map_lookup_elem_flags(fd(), pointer(key), value.data(), flags));
}

Status Map::lookup_and_delete(std::span<const std::byte> key,
                              std::span<std::byte> value,
                              std::uint64_t flags) const {
  WASMBPF_TRY(check_sizes(info_, key, value, true));
  return outcome(info_, "look up and delete a key",
                 bpf_map_lookup_and_delete_elem_flags(fd(), pointer(key),
                                                      value.data(), flags));
}

Status Map::update(std::span<const std::byte> key,
                   std::span<const std::byte> value,
                   std::uint64_t flags) const {
  WASMBPF_TRY(check_sizes(info_, key, value, true));
  return outcome(
      info_, "update a key",
      bpf_map_update_elem(fd(), pointer(key), pointer(value), flags));
}

Status Map::erase(std::span<const std::byte> key) const {
  WASMBPF_TRY(check_sizes(info_, key, {}, false));
  return outcome(info_, "delete a key",
                 bpf_map_delete_elem(fd(), pointer(key)));
}

Status Map::next_key(std::optional<std::span<const std::byte>> key,
                     std::span<std::byte> next) const {
  WASMBPF_TRY(check_sizes(info_, key ? *key : next, {}, false));
  WASMBPF_TRY(check_sizes(info_, next, {}, false));
  return outcome(
      info_, "find the next key",
      bpf_map_get_next_key(fd(), key ? pointer(*key) : nullptr, next.data()));
}

}  // namespace wasmbpf::bpf
