// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends an event for each exec that succeeds.
#include "execsnoop.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <wasm_bpf/events.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// The parts of the kernel's types that are used; libbpf finds the offsets.
struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
} __attribute__((preserve_access_index));

struct task_struct {
  int tgid;
  struct task_struct* real_parent;
  struct mm_struct* mm;
} __attribute__((preserve_access_index));

WASM_BPF_RINGBUF(events, 256 * 1024);

// An event is made here and sent at its real size: most are a hundred bytes, so
// the ring holds thousands.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct exec_event);
} scratch SEC(".maps");

SEC("tracepoint/sched/sched_process_exec")
int handle_exec(void* ctx) {
  (void)ctx;
  const __u32 zero = 0;
  struct exec_event* event = bpf_map_lookup_elem(&scratch, &zero);
  if (!event) return 0;

  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  event->time_ns = bpf_ktime_get_ns();
  event->pid = bpf_get_current_pid_tgid() >> 32;
  event->ppid = BPF_CORE_READ(task, real_parent, tgid);
  event->uid = bpf_get_current_uid_gid();
  bpf_get_current_comm(event->comm, sizeof event->comm);

  const unsigned long start = BPF_CORE_READ(task, mm, arg_start);
  const unsigned long all = BPF_CORE_READ(task, mm, arg_end) - start;
  unsigned long size = all;
  if (size > ARGS_SIZE) size = ARGS_SIZE;
  if (bpf_probe_read_user(event->args, size, (void*)start)) size = 0;
  event->args_size = size;
  event->all_args_size = all;

  wasm_bpf_output(events, event,
                  __builtin_offsetof(struct exec_event, args) + size);
  return 0;
}
