#ifndef WASM_BPF_HISTOGRAM_H_
#define WASM_BPF_HISTOGRAM_H_

/// Slots of power-of-two histograms: slot i counts the values from 2^i to
/// 2^(i+1)-1, slot 0 those of 0 and 1.

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/// The slot of `value`, or the last one of `slot_count`.
static __always_inline __u32 wasm_bpf_log2_slot(__u64 value, __u32 slot_count) {
  __u32 slot = 0;
#pragma unroll
  for (__u32 step = 32; step > 0; step /= 2) {
    if (value >> step) {
      value >>= step;
      slot += step;
    }
  }
  return slot < slot_count ? slot : slot_count - 1;
}

#endif  // WASM_BPF_HISTOGRAM_H_
