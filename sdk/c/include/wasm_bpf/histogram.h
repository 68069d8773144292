#ifndef WASM_BPF_HISTOGRAM_H_
#define WASM_BPF_HISTOGRAM_H_

/// Prints power-of-two histograms as the BPF tools do.

#include <stdint.h>
#include <stdio.h>

static inline void wasm_bpf_print_bar(uint64_t count, uint64_t largest,
                                      int width) {
  const int stars = (int)(count * (uint64_t)width / largest);
  for (int i = 0; i < width; i++) {
    putchar(i < stars ? '*' : ' ');
  }
}

/// One row a slot, up to the last that is not zero: slot i counts the values
/// from 2^i to 2^(i+1)-1, slot 0 those of 0 and 1. Nothing where all are zero.
/// `unit` names the values, such as "usecs". At most 64 slots.
static inline void wasm_bpf_print_log2_histogram(const uint64_t* slots,
                                                 int slot_count,
                                                 const char* unit) {
  int last = -1;
  uint64_t largest = 0;
  for (int i = 0; i < slot_count; i++) {
    if (slots[i] > 0) {
      last = i;
    }
    if (slots[i] > largest) {
      largest = slots[i];
    }
  }
  if (last < 0) {
    return;
  }
  const int wide = last > 32;
  printf("%*s%-*s : count    distribution\n", wide ? 15 : 5, "", wide ? 29 : 19,
         unit);
  for (int i = 0; i <= last; i++) {
    const uint64_t low = i == 0 ? 0 : 1ull << i;
    const uint64_t high = UINT64_MAX >> (63 - i);
    printf("%*llu -> %-*llu : %-8llu |", wide ? 20 : 10,
           (unsigned long long)low, wide ? 20 : 10, (unsigned long long)high,
           (unsigned long long)slots[i]);
    wasm_bpf_print_bar(slots[i], largest, wide ? 20 : 40);
    puts("|");
  }
}

#endif  // WASM_BPF_HISTOGRAM_H_
