// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Emits into a ring buffer and a perf buffer as the target asks, by
// personality(0xffffffff, what, number), a system call that changes nothing.
#include "program.h"

#include <wasm_bpf/events.h>

#define QUERY 0xffffffffUL
#define EMIT 1
#define DISCARD 2

#ifdef __TARGET_ARCH_x86
#define NR_PERSONALITY 135
#else
#define NR_PERSONALITY 92
#endif

WASM_BPF_RINGBUF(ring, 4096);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1024 * 1024);
} uncounted SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
} perf SEC(".maps");

SEC("raw_tp/sys_enter")
int on_syscall(struct bpf_raw_tracepoint_args* ctx) {
  struct pt_regs* regs = (struct pt_regs*)ctx->args[0];
  unsigned long query = 0, what = 0;
  __u64 number = 0;

  if (ctx->args[1] != NR_PERSONALITY || !is_target()) return 0;
  bpf_probe_read_kernel(&query, sizeof(query), &PT_REGS_PARM1_SYSCALL(regs));
  bpf_probe_read_kernel(&what, sizeof(what), &PT_REGS_PARM2_SYSCALL(regs));
  bpf_probe_read_kernel(&number, sizeof(number), &PT_REGS_PARM3_SYSCALL(regs));
  if (query != QUERY) return 0;

  __u64* record = wasm_bpf_reserve(ring, sizeof(*record));
  if (record) {
    *record = number;
    if (what == DISCARD)
      bpf_ringbuf_discard(record, 0);
    else
      bpf_ringbuf_submit(record, 0);
  }
  if (what == EMIT) {
    bpf_ringbuf_output(&uncounted, &number, sizeof(number), 0);
    bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &number,
                          sizeof(number));
  }
  return 0;
}
