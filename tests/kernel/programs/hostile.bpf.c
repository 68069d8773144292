// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// What an object of a hostile guest tries.
#include "program.h"

// A map by a descriptor that no relocation gave it: 0x7eadbeef, or what the
// test writes there.
SEC("?raw_tp/sys_enter")
int map_by_descriptor(void* ctx) {
  __u64 key = 7;
  void* map;
  asm volatile(
      ".byte 0x18, 0x11, 0, 0, 0xef, 0xbe, 0xad, 0x7e\n"
      ".byte 0, 0, 0, 0, 0, 0, 0, 0\n"
      "%0 = r1"
      : "=r"(map)
      :
      : "r1");
  return bpf_map_lookup_elem(map, &key) != 0;
}
