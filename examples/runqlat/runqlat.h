// What runqlat.bpf.c and runqlat.c share.
#ifndef RUNQLAT_H_
#define RUNQLAT_H_

#include <stdint.h>

#define COMM_SIZE 16
#define SLOT_COUNT 26  // up to 2^26 us, about a minute

/// What to measure; the only element of map `settings`. Written by the guest
/// before anything is attached, but for `missed`.
struct settings {
  uint32_t process;      // 0: all
  uint32_t per_process;  // 1: a histogram for each
  uint64_t unit_ns;
  uint64_t missed;  // waits not counted because a map was full
};
_Static_assert(sizeof(struct settings) == 24, "shared");

/// A value of map `histograms`, by process id, or by 0 for all together.
/// Slot i counts waits of 2^i to 2^(i+1)-1 units.
struct histogram {
  uint64_t slots[SLOT_COUNT];
  char comm[COMM_SIZE];
};
_Static_assert(sizeof(struct histogram) == 8 * SLOT_COUNT + 16, "shared");

#endif  // RUNQLAT_H_
