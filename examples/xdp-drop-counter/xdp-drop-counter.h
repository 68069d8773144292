// What xdp-drop-counter.bpf.c and xdp-drop-counter.c share.
#ifndef XDP_DROP_COUNTER_H_
#define XDP_DROP_COUNTER_H_

#include <stdint.h>

/// Keys of the per-CPU map `counters`.
enum verdict { PASSED, DROPPED, VERDICT_COUNT };

/// A value of `counters`, on one CPU.
struct counter {
  uint64_t packets;
  uint64_t bytes;
};
_Static_assert(sizeof(struct counter) == 16, "shared");

/// The only element of map `settings`; written before the program is attached.
struct settings {
  uint32_t udp_port;  // packets to it are dropped; 0: none
};
_Static_assert(sizeof(struct settings) == 4, "shared");

#endif  // XDP_DROP_COUNTER_H_
