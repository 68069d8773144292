// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Something of everything that an object can contain: its bytes, cut and turned
// round, are what the parser's tests feed to libbpf.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
  int pid;
  struct task_struct* real_parent;
} __attribute__((preserve_access_index));

struct event {
  __u32 pid;
  char comm[16];
};

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
  __type(value, struct event);  // as cilium/ebpf's tools declare it
} typed_ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(value, struct event);
} typed_perf SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct event);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned_hash SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} inner SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2);
  __type(key, __u32);
  __array(values, struct inner);
} outer SEC(".maps") = {.values = {&inner}};

// libbpf reads these when it loads them; no kernel has the type.
typedef __u64 ticks;
struct sampler_ops {
  ticks period;
  char name[8];
};
SEC(".struct_ops")
struct sampler_ops operations = {.period = 1, .name = "sampler"};

const volatile __u32 target_pid = 0;
const volatile struct {
  __u64 first;
  __u64 second;
} limits = {1, 2};
__u64 counted;
__u32 started = 7;
__u64 wasm_bpf_lost_typed_ring SEC(".data.wasm_bpf") = 0;

static __noinline int parent_pid(void) {
  struct task_struct* task = (void*)bpf_get_current_task();
  return BPF_CORE_READ(task, real_parent, pid);
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void* ctx) {
  (void)ctx;
  struct event* event = bpf_ringbuf_reserve(&typed_ring, sizeof(*event), 0);
  if (!event) {
    __sync_fetch_and_add(&wasm_bpf_lost_typed_ring, 1);
    return 0;
  }
  event->pid = parent_pid();
  bpf_get_current_comm(event->comm, sizeof(event->comm));
  bpf_ringbuf_submit(event, 0);
  return 0;
}

SEC("?kprobe")
int later(struct pt_regs* ctx) {
  __u32 key = target_pid;
  struct event* known = bpf_map_lookup_elem(&pinned_hash, &key);
  if (known && known->pid > limits.second) counted += started;
  bpf_perf_event_output(ctx, &typed_perf, BPF_F_CURRENT_CPU, &key, sizeof(key));
  return bpf_map_lookup_elem(&outer, &key) != 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
