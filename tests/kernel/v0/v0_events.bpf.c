// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Emits one sample into each buffer for each marked system call of one process:
// personality(0xffffffff, sequence, size), which only asks and changes nothing.
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <asm/unistd.h>

#include <wasm_bpf/events.h>

#define QUERY 0xffffffffUL
#define SMALL 16
#define LARGE 256

struct sample {
  __u64 sequence;
  __u64 size;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} config SEC(".maps");  // the process to follow

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 256 * 1024);
} ring SEC(".maps");  // nobody counts its losses

WASM_BPF_RINGBUF(counted, 4096);

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
} perf SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u32);  // 4 bytes: a stride of 8
} per_cpu SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, __u64);
  __type(value, __u64);
} hash SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, 4);
  __type(value, __u64);
} queue SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 4);
} programs SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, __u64);
  __type(value, __u64);
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2);
  __type(key, __u32);
  __array(values, struct inner);
} maps_of_maps SEC(".maps");

static __always_inline void emit(void* ctx, const struct sample* sample) {
  __u8 large[LARGE] = {};
  if (sample->size == LARGE) {
    __builtin_memcpy(large, sample, sizeof(*sample));
    bpf_ringbuf_output(&ring, large, LARGE, 0);
    bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, large, LARGE);
    wasm_bpf_output(counted, large, LARGE);
    return;
  }
  bpf_ringbuf_output(&ring, (void*)sample, SMALL, 0);
  bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, (void*)sample, SMALL);
  wasm_bpf_output(counted, (void*)sample, SMALL);
}

SEC("raw_tp/sys_enter")
int on_syscall(struct bpf_raw_tracepoint_args* ctx) {
  struct pt_regs* regs = (struct pt_regs*)ctx->args[0];
  __u32 zero = 0;
  if (ctx->args[1] != __NR_personality) return 0;
  __u32* process = bpf_map_lookup_elem(&config, &zero);
  if (!process || *process != bpf_get_current_pid_tgid() >> 32) return 0;

  unsigned long query = 0;
  struct sample sample = {};
  bpf_probe_read_kernel(&query, sizeof(query), &PT_REGS_PARM1(regs));
  bpf_probe_read_kernel(&sample.sequence, 8, &PT_REGS_PARM2(regs));
  bpf_probe_read_kernel(&sample.size, 8, &PT_REGS_PARM3(regs));
  if (query != QUERY) return 0;

  __u32* calls = bpf_map_lookup_elem(&per_cpu, &zero);
  if (calls) *calls += 1;
  emit(ctx, &sample);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
