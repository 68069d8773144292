// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Sends a sample for each of the first ten system calls, whoever makes them.
#include <linux/bpf.h>

#include <wasm_bpf/events.h>

WASM_BPF_RINGBUF(events, 4096);
__u64 calls = 0;

SEC("raw_tp/sys_enter")
int on_syscall(void* ctx) {
  (void)ctx;
  const __u64 number = __sync_fetch_and_add(&calls, 1);
  if (number < 10) wasm_bpf_output(events, (void*)&number, sizeof(number));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
