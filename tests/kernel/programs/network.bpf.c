// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Programs of interfaces and network namespaces. The tests give each a network
// namespace of its own, so every packet is theirs.
#include "program.h"

#define TC_PASS 0
#define NF_DROP 0

SEC("?xdp")
int xdp_drop(struct xdp_md* ctx) {
  count_hit();
  return XDP_DROP;
}

SEC("?tc")
int tc_any(struct __sk_buff* skb) {
  count_hit();
  return TC_PASS;
}

SEC("?tcx/ingress")
int tcx_ingress(struct __sk_buff* skb) {
  count_hit();
  return TC_PASS;
}

SEC("?tc/egress")
int tc_egress(struct __sk_buff* skb) {
  count_hit();
  return TC_PASS;
}

SEC("?netkit/primary")
int netkit_primary(struct __sk_buff* skb) {
  count_hit();
  return TC_PASS;
}

SEC("?netfilter")
int netfilter_drop(void* ctx) {
  count_hit();
  return NF_DROP;
}

SEC("?sk_lookup")
int lookup(struct bpf_sk_lookup* ctx) {
  count_hit();
  return SK_PASS;
}

SEC("?flow_dissector")
int dissector(struct __sk_buff* skb) { return BPF_OK; }

SEC("?sk_msg")
int message(struct sk_msg_md* ctx) { return SK_PASS; }

SEC("?socket")
int filter(struct __sk_buff* skb) { return 0; }
