// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// A TCP congestion control that only counts its connections (struct_ops).
#include "program.h"

struct sock {
} __attribute__((preserve_access_index));

struct ack_sample;
struct rate_sample;

// As much of the kernel's structure as is set here: libbpf fits it in.
struct tcp_congestion_ops {
  __u32 (*ssthresh)(struct sock* sk);
  void (*cong_avoid)(struct sock* sk, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock* sk);
  void (*init)(struct sock* sk);
  char name[16];
};

SEC("struct_ops/init")
void BPF_PROG(on_init, struct sock* sk) { count_hit(); }

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(threshold, struct sock* sk) { return 2; }

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(window, struct sock* sk) { return 10; }

SEC("struct_ops/cong_avoid")
void BPF_PROG(avoid, struct sock* sk, __u32 ack, __u32 acked) {}

SEC(".struct_ops")
struct tcp_congestion_ops counting = {
    .init = (void*)on_init,
    .ssthresh = (void*)threshold,
    .undo_cwnd = (void*)window,
    .cong_avoid = (void*)avoid,
    .name = "wasm_bpf_test",
};
