// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// One map of each kind that is used from outside, and no program.
#include "program.h"

#define MAP(name, kind, entries, key_type, value_type) \
  struct {                                             \
    __uint(type, BPF_MAP_TYPE_##kind);                 \
    __uint(max_entries, entries);                      \
    __type(key, key_type);                             \
    __type(value, value_type);                         \
  } name SEC(".maps")

MAP(hash, HASH, 4, __u64, __u64);
MAP(array, ARRAY, 4, __u32, __u64);
MAP(percpu_hash, PERCPU_HASH, 4, __u32, __u32);
MAP(percpu_array, PERCPU_ARRAY, 4, __u32, __u64[3]);
MAP(lru_hash, LRU_HASH, 4, __u32, __u32);
MAP(programs, PROG_ARRAY, 4, __u32, __u32);
MAP(devices, DEVMAP, 4, __u32, struct bpf_devmap_val);
MAP(sockets, SOCKMAP, 4, __u32, __u32);

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, 4);
  __type(value, __u64);
} queue SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} inner SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2);
  __type(key, __u32);
  __array(values, struct inner);
} outer SEC(".maps") = {.values = {&inner}};
