// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// An arena that wants to lie at an address of its own choice.
#include "program.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARENA);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __ulong(map_extra, 0x200000000000ull);
} arena SEC(".maps");

SEC("?raw_tp/sys_enter")
int uses_arena(void* ctx) {
  void* volatile place = &arena;
  return place != 0;
}
