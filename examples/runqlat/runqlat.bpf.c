// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures how long tasks that could run waited for a CPU.
#include "runqlat.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <wasm_bpf/histogram.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// The parts of the kernel's type that are used; libbpf finds the offsets.
struct task_struct {
  int pid;
  int tgid;
  unsigned int __state;  // 0: can run. Linux 5.14 and later
  char comm[COMM_SIZE];
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct settings);
} settings SEC(".maps");

struct {  // since when a thread waits, by its id
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, __u64);
} waiting SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u32);
  __type(value, struct histogram);
} histograms SEC(".maps");

static const __u32 kZero = 0;
static const struct histogram kEmpty;

static __always_inline int starts_to_wait(struct task_struct* task) {
  struct settings* set = bpf_map_lookup_elem(&settings, &kZero);
  const __u32 thread = task->pid, process = task->tgid;
  if (!set || !thread || (set->process && set->process != process)) return 0;
  const __u64 now = bpf_ktime_get_ns();
  if (bpf_map_update_elem(&waiting, &thread, &now, BPF_ANY))
    __sync_fetch_and_add(&set->missed, 1);
  return 0;
}

static __always_inline int gets_cpu(struct task_struct* task) {
  struct settings* set = bpf_map_lookup_elem(&settings, &kZero);
  const __u32 thread = task->pid;
  const __u64* since = bpf_map_lookup_elem(&waiting, &thread);
  if (!set || !since || !set->unit_ns) return 0;
  const __s64 wait = bpf_ktime_get_ns() - *since;
  bpf_map_delete_elem(&waiting, &thread);

  const __u32 key = set->per_process ? task->tgid : 0;
  struct histogram* histogram = bpf_map_lookup_elem(&histograms, &key);
  if (!histogram) {
    bpf_map_update_elem(&histograms, &key, &kEmpty, BPF_NOEXIST);
    histogram = bpf_map_lookup_elem(&histograms, &key);
    if (!histogram) return __sync_fetch_and_add(&set->missed, 1), 0;
    bpf_probe_read_kernel_str(histogram->comm, COMM_SIZE, task->comm);
  }
  const __u64 units = wait > 0 ? wait / set->unit_ns : 0;
  const __u32 slot = wasm_bpf_log2_slot(units, SLOT_COUNT);
  __sync_fetch_and_add(&histogram->slots[slot], 1);
  return 0;
}

// The arguments of these tracepoints: a task; whether the first task was
// preempted, the first task, the second.
SEC("tp_btf/sched_wakeup")
int on_wakeup(__u64* ctx) {
  return starts_to_wait((struct task_struct*)ctx[0]);
}

SEC("tp_btf/sched_wakeup_new")
int on_wakeup_new(__u64* ctx) {
  return starts_to_wait((struct task_struct*)ctx[0]);
}

SEC("tp_btf/sched_switch")
int on_switch(__u64* ctx) {
  struct task_struct* from = (struct task_struct*)ctx[1];
  if (ctx[0] || from->__state == 0) starts_to_wait(from);
  return gets_cpu((struct task_struct*)ctx[2]);
}
