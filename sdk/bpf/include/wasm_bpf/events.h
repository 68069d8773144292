#ifndef WASM_BPF_EVENTS_H_
#define WASM_BPF_EVENTS_H_

/// Ring buffers whose losses are counted. The kernel keeps no count of events
/// that found a ring buffer full; with these macros the program does, and the
/// host shows the number at the guest's end.
///
///   WASM_BPF_RINGBUF(events, 256 * 1024);
///
///   struct event *e = wasm_bpf_reserve(events, sizeof *e);
///   if (!e)
///     return 0;  // counted
///   ...
///   bpf_ringbuf_submit(e, 0);
///
/// Contract with the host: failed reservations and outputs of map NAME are
/// counted in the global `__u64 wasm_bpf_lost_NAME` of section
/// `.data.wasm_bpf`. Kernels before 5.8 have no ring buffers.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/// Declares ring buffer `name` of `bytes` bytes, a power of two and a multiple
/// of the page size, with its counter.
#define WASM_BPF_RINGBUF(name, bytes)   \
  struct {                              \
    __uint(type, BPF_MAP_TYPE_RINGBUF); \
    __uint(max_entries, bytes);         \
  } name SEC(".maps");                  \
  __u64 wasm_bpf_lost_##name SEC(".data.wasm_bpf") = 0

/// Adds one to the losses of `name`: for events that a program drops itself.
#define wasm_bpf_count_loss(name) \
  ((void)__sync_fetch_and_add(&wasm_bpf_lost_##name, 1))

/// Room for `size` bytes (a constant) in ring buffer `name`, or null, which is
/// counted. End it with bpf_ringbuf_submit or bpf_ringbuf_discard.
#define wasm_bpf_reserve(name, size)                                \
  ({                                                                \
    void* wasm_bpf_record_ = bpf_ringbuf_reserve(&name, (size), 0); \
    if (!wasm_bpf_record_) wasm_bpf_count_loss(name);               \
    wasm_bpf_record_;                                               \
  })

/// Copies `size` bytes from `data` into ring buffer `name`: for records whose
/// size is known at run time only. 0, or a negative error, which is counted.
#define wasm_bpf_output(name, data, size)                                 \
  ({                                                                      \
    long wasm_bpf_result_ = bpf_ringbuf_output(&name, (data), (size), 0); \
    if (wasm_bpf_result_ < 0) wasm_bpf_count_loss(name);                  \
    wasm_bpf_result_;                                                     \
  })

#endif  // WASM_BPF_EVENTS_H_
