// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Drops UDP packets to one port and counts what passes and what does not.
#include "xdp-drop-counter.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct settings);
} settings SEC(".maps");

// Each CPU has its own counters, so that none waits for another.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, VERDICT_COUNT);
  __type(key, __u32);
  __type(value, struct counter);
} counters SEC(".maps");

/// The UDP destination port of an IPv4 or IPv6 packet, or 0. Not looked into:
/// VLANs, fragments after the first, IPv6 extension headers.
static __always_inline __u32 udp_port(void* data, void* end) {
  struct ethhdr* eth = data;
  struct udphdr* udp;
  if ((void*)(eth + 1) > end) return 0;
  if (eth->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr* ip = (void*)(eth + 1);
    if ((void*)(ip + 1) > end || ip->protocol != IPPROTO_UDP || ip->ihl < 5 ||
        ip->frag_off & bpf_htons(0x1fff))
      return 0;
    udp = (void*)ip + ip->ihl * 4;
  } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* ip = (void*)(eth + 1);
    if ((void*)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP) return 0;
    udp = (void*)(ip + 1);
  } else {
    return 0;
  }
  return (void*)(udp + 1) <= end ? bpf_ntohs(udp->dest) : 0;
}

SEC("xdp")
int count_and_drop(struct xdp_md* ctx) {
  void* data = (void*)(long)ctx->data;
  void* end = (void*)(long)ctx->data_end;
  const __u32 zero = 0;
  const struct settings* set = bpf_map_lookup_elem(&settings, &zero);
  const __u32 port = udp_port(data, end);
  const __u32 verdict = set && port && port == set->udp_port ? DROPPED : PASSED;

  struct counter* counter = bpf_map_lookup_elem(&counters, &verdict);
  if (counter) {
    counter->packets++;
    counter->bytes += end - data;
  }
  return verdict == DROPPED ? XDP_DROP : XDP_PASS;
}
