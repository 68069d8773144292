// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// What every test program needs, in the order it is needed.
#ifndef WASMBPF_TESTS_KERNEL_PROGRAMS_PROGRAM_H_
#define WASMBPF_TESTS_KERNEL_PROGRAMS_PROGRAM_H_

// clang-format off
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
// clang-format on

// A program has a context whether it looks at it or not.
#pragma clang diagnostic ignored "-Wunused-parameter"

// The process whose doings count, and what was seen of them. Tests read both by
// name, so a program's effect shows in its map.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} hits SEC(".maps");

const volatile __u32 target_pid = 0;

static __always_inline void count_hit(void) {
  __u32 key = 0;
  __u64* value = bpf_map_lookup_elem(&hits, &key);
  if (value) __sync_fetch_and_add(value, 1);
}

static __always_inline int is_target(void) {
  return bpf_get_current_pid_tgid() >> 32 == target_pid;
}

#ifndef PROGRAM_LICENSE
#define PROGRAM_LICENSE "Dual BSD/GPL"
#endif
char LICENSE[] SEC("license") = PROGRAM_LICENSE;

#endif  // WASMBPF_TESTS_KERNEL_PROGRAMS_PROGRAM_H_
