// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Programs of cgroups. The tests attach them to a cgroup of their own.
#include "program.h"

#define ALLOW 1
#define DENY 0

SEC("?cgroup_skb/egress")
int on_egress(struct __sk_buff* skb) {
  count_hit();
  return ALLOW;
}

SEC("?cgroup/skb")
int on_packet(struct __sk_buff* skb) {
  count_hit();
  return ALLOW;
}

SEC("?cgroup/sock_create")
int on_socket(struct bpf_sock* sk) {
  count_hit();
  return DENY;
}

SEC("?cgroup/connect4")
int on_connect(struct bpf_sock_addr* ctx) {
  count_hit();
  return DENY;
}

SEC("?cgroup/setsockopt")
int on_setsockopt(struct bpf_sockopt* ctx) {
  count_hit();
  return DENY;
}

SEC("?cgroup/sysctl")
int on_sysctl(struct bpf_sysctl* ctx) {
  count_hit();
  return DENY;
}

SEC("?cgroup/dev")
int on_device(struct bpf_cgroup_dev_ctx* ctx) {
  count_hit();
  return DENY;
}

SEC("?sockops")
int on_tcp(struct bpf_sock_ops* ctx) {
  if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) count_hit();
  return 1;
}

SEC("?lsm_cgroup/socket_bind")
int BPF_PROG(on_bind) {
  count_hit();
  return DENY;
}
