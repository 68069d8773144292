// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Kernel and user probes: by section, and named at run time.
#include "program.h"

// After it, because it has no includes of its own.
#include <bpf/usdt.bpf.h>

__u64 argument;

static __always_inline int count_target(void) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?kprobe/hrtimer_nanosleep")
int on_kprobe(struct pt_regs* ctx) { return count_target(); }

SEC("?kretprobe/hrtimer_nanosleep")
int on_kretprobe(struct pt_regs* ctx) { return count_target(); }

SEC("?kprobe")
int on_named_kprobe(struct pt_regs* ctx) { return count_target(); }

SEC("?kprobe.multi/hrtimer_nanos*")
int on_kprobe_multi(struct pt_regs* ctx) { return count_target(); }

SEC("?kprobe.multi")
int on_named_kprobe_multi(struct pt_regs* ctx) { return count_target(); }

SEC("?ksyscall/nanosleep")
int on_ksyscall(struct pt_regs* ctx) { return count_target(); }

SEC("?ksyscall")
int on_named_ksyscall(struct pt_regs* ctx) { return count_target(); }

SEC("?uprobe//proc/self/exe:wasm_bpf_probed")
int BPF_UPROBE(on_uprobe, __u64 value) {
  argument = value;
  return count_target();
}

SEC("?uprobe")
int BPF_UPROBE(on_named_uprobe, __u64 value) {
  argument = value;
  return count_target();
}

SEC("?uretprobe")
int BPF_URETPROBE(on_named_uretprobe, __u64 value) {
  argument = value;
  return count_target();
}

SEC("?uprobe.multi//proc/self/exe:wasm_bpf_prob*")
int on_uprobe_multi(struct pt_regs* ctx) { return count_target(); }

SEC("?uprobe.multi")
int on_named_uprobe_multi(struct pt_regs* ctx) { return count_target(); }

SEC("?usdt//proc/self/exe:wasm_bpf:tick")
int BPF_USDT(on_usdt, __u64 value) {
  argument = value;
  return count_target();
}

SEC("?usdt")
int BPF_USDT(on_named_usdt, __u64 value) {
  argument = value;
  return count_target();
}

SEC("?perf_event")
int on_sample(void* ctx) { return count_target(); }
