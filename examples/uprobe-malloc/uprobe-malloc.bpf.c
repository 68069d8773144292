// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts the sizes that a function is called with as its first argument.
#include "uprobe-malloc.h"

#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <wasm_bpf/histogram.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sizes);
} sizes SEC(".maps");

// No binary and no symbol here: the guest names them when it attaches.
SEC("uprobe")
int on_malloc(struct pt_regs* ctx) {
  const __u32 zero = 0;
  const __u64 size = PT_REGS_PARM1(ctx);
  struct sizes* all = bpf_map_lookup_elem(&sizes, &zero);
  if (!all) return 0;
  const __u32 slot = wasm_bpf_log2_slot(size, SLOT_COUNT);
  __sync_fetch_and_add(&all->calls, 1);
  __sync_fetch_and_add(&all->bytes, size);
  __sync_fetch_and_add(&all->slots[slot], 1);
  return 0;
}
