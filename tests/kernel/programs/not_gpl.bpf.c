// A program under a licence that the kernel's GPL-only helpers do not take.
#define PROGRAM_LICENSE "Proprietary"
#include "program.h"

SEC("raw_tp/sys_enter")
int reads_kernel_memory(struct bpf_raw_tracepoint_args* ctx) {
  __u64 value = 0;
  bpf_probe_read_kernel(&value, sizeof(value), (void*)ctx->args[0]);
  return value;
}
