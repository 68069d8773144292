// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Mistakes, one a program. None is loaded by itself: a test asks for one.
#include "program.h"

struct task_struct {
  int pid;
  int no_such_field___wasm_bpf;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64[8]);
} table SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

extern int bpf_no_such_kfunc___wasm_bpf(int x) __ksym __weak;

__u64 sink;

SEC("?raw_tp/sys_enter")
int unchecked_lookup(void* ctx) {
  __u32 key = 1;
  __u64* value = bpf_map_lookup_elem(&table, &key);
  sink = value[0];
  return 0;
}

SEC("?raw_tp/sys_enter")
int unchecked_reserve(void* ctx) {
  __u64* record = bpf_ringbuf_reserve(&ring, 8, 0);
  *record = 1;
  bpf_ringbuf_submit(record, 0);
  return 0;
}

SEC("?raw_tp/sys_enter")
int number_as_pointer(struct bpf_raw_tracepoint_args* ctx) {
  sink = *(volatile __u64*)ctx->args[1];
  return 0;
}

SEC("?raw_tp/sys_enter")
int index_out_of_bounds(struct bpf_raw_tracepoint_args* ctx) {
  __u32 key = 1;
  __u64* value = bpf_map_lookup_elem(&table, &key);
  if (value) sink = value[ctx->args[1] & 15];
  return 0;
}

SEC("?raw_tp/sys_enter")
int endless_loop(void* ctx) {
  for (volatile __u64 i = 0; bpf_get_prandom_u32() != 7; ++i) {
    sink += i;
  }
  return 0;
}

SEC("?raw_tp/sys_enter")
int infinite_loop(void* ctx) {
  for (;;) asm volatile("" ::: "memory");
  return 0;
}

SEC("?raw_tp/sys_enter")
int too_many_steps(void* ctx) {
  for (__u32 i = 0; i < 100000; ++i) {
    sink += bpf_get_prandom_u32() & i;
    if (sink & 1) sink += 3;
    if (sink & 2) sink += 5;
  }
  return 0;
}

SEC("?raw_tp/sys_enter")
int leaked_record(void* ctx) {
  __u64* record = bpf_ringbuf_reserve(&ring, 8, 0);
  if (record) *record = 1;
  return 0;
}

static __noinline int large_frame(__u64 seed) {
  volatile char bytes[400];
  for (int i = 0; i < 400; i += 8) bytes[i] = seed;
  return bytes[seed & 255];
}

// Since 6.13 tracing programs have room for more, other types have not.
SEC("?tc")
int stack_too_large(struct __sk_buff* skb) {
  volatile char bytes[300];
  for (int i = 0; i < 300; i += 4) bytes[i] = i;
  return large_frame(bpf_get_prandom_u32()) + bytes[7];
}

SEC("?raw_tp/sys_enter")
int unset_register(void* ctx) {
  int value;
  asm volatile("%0 = r9" : "=r"(value));
  return value;
}

SEC("?raw_tp/sys_enter")
int unbounded_size(struct bpf_raw_tracepoint_args* ctx) {
  __u32 key = 1;
  __u64* value = bpf_map_lookup_elem(&table, &key);
  if (value) bpf_probe_read_user(value, ctx->args[1], (void*)ctx->args[0]);
  return 0;
}

SEC("?raw_tp/sys_enter")
int missing_field(void* ctx) {
  struct task_struct* task = (void*)bpf_get_current_task();
  sink = BPF_CORE_READ(task, no_such_field___wasm_bpf);
  return 0;
}

SEC("?tc")
int missing_kfunc(struct __sk_buff* skb) {
  return bpf_no_such_kfunc___wasm_bpf(1);
}

SEC("?tc")
int helper_of_another_type(struct __sk_buff* skb) {
  char path[16];
  return bpf_d_path((void*)skb, path, sizeof(path));
}

SEC("?tc")
int unknown_helper(struct __sk_buff* skb) {
  long (*helper)(void) = (void*)9999;
  return helper();
}

SEC("?tc")
int packet_unchecked(struct __sk_buff* skb) { return *(char*)(long)skb->data; }

SEC("?cgroup_skb/egress")
int wrong_return(struct __sk_buff* skb) { return 17; }

SEC("?raw_tp/sys_enter")
int long_log(struct bpf_raw_tracepoint_args* ctx) {
  // Many distinct paths to one mistake: a log of more than 64 KiB.
#pragma unroll
  for (int i = 0; i < 400; ++i) {
    if (bpf_get_prandom_u32() & (1 << (i & 31))) sink += i;
    asm volatile("");
  }
  sink = *(volatile __u64*)ctx->args[1];
  return 0;
}
