// What uprobe-malloc.bpf.c and uprobe-malloc.c share.
#ifndef UPROBE_MALLOC_H_
#define UPROBE_MALLOC_H_

#include <stdint.h>

#define SLOT_COUNT 64

/// The only element of map `sizes`: what was asked for since the start.
struct sizes {
  uint64_t calls;
  uint64_t bytes;
  uint64_t slots[SLOT_COUNT];  // slot i: sizes of 2^i to 2^(i+1)-1 bytes
};
_Static_assert(sizeof(struct sizes) == 16 + 8 * SLOT_COUNT, "shared");

#endif  // UPROBE_MALLOC_H_
