// What sockops.bpf.c and sockops.c share.
#ifndef SOCKOPS_H_
#define SOCKOPS_H_

#include <stdint.h>

enum side { ACTIVE, PASSIVE, SIDE_COUNT };  // who connected: we or they

struct endpoint {
  uint8_t address[16];  // IPv4: the first four bytes
  uint32_t port;
};

/// One TCP connection when it is established. Addresses are in network byte
/// order, ports in the CPU's. No AF_ number: Linux's and WASI's differ.
struct connection {
  uint32_t side;
  uint32_t is_ipv6;
  struct endpoint local;
  struct endpoint remote;
};
_Static_assert(sizeof(struct connection) == 48, "shared");

#endif  // SOCKOPS_H_
