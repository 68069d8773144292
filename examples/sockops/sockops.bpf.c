// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends an event for each TCP connection that a cgroup's processes establish.
#include "sockops.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <wasm_bpf/events.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET6 10

WASM_BPF_RINGBUF(events, 256 * 1024);

static __always_inline void send(struct bpf_sock_ops* ctx, enum side side) {
  struct connection* connection =
      wasm_bpf_reserve(events, sizeof(struct connection));
  if (!connection) return;  // counted
  connection->side = side;
  connection->is_ipv6 = ctx->family == AF_INET6;
  connection->local.port = ctx->local_port;
  connection->remote.port = bpf_ntohl(ctx->remote_port);
  __u32* local = (__u32*)connection->local.address;
  __u32* remote = (__u32*)connection->remote.address;
  if (connection->is_ipv6) {
    // The kernel allows only constant places in ctx, one word at a time.
    local[0] = ctx->local_ip6[0];
    local[1] = ctx->local_ip6[1];
    local[2] = ctx->local_ip6[2];
    local[3] = ctx->local_ip6[3];
    remote[0] = ctx->remote_ip6[0];
    remote[1] = ctx->remote_ip6[1];
    remote[2] = ctx->remote_ip6[2];
    remote[3] = ctx->remote_ip6[3];
  } else {
    local[0] = ctx->local_ip4;
    remote[0] = ctx->remote_ip4;
    local[1] = local[2] = local[3] = 0;
    remote[1] = remote[2] = remote[3] = 0;
  }
  bpf_ringbuf_submit(connection, 0);
}

SEC("sockops")
int on_socket_event(struct bpf_sock_ops* ctx) {
  if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
    send(ctx, ACTIVE);
  else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
    send(ctx, PASSIVE);
  return 1;
}
