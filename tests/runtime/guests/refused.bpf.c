// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Uses a number as a pointer, which no verifier lets through.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int reads_a_number(void* ctx) {
  (void)ctx;
  const __u64* number = (const __u64*)bpf_ktime_get_ns();
  return (int)*number;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
