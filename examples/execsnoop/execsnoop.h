// What execsnoop.bpf.c and execsnoop.c share.
#ifndef EXECSNOOP_H_
#define EXECSNOOP_H_

#include <stdint.h>

#define COMM_SIZE 16
#define ARGS_SIZE 4096

/// One exec. Only the first `args_size` bytes of `args` are sent.
struct exec_event {
  uint64_t time_ns;  // since boot
  uint32_t pid;
  uint32_t ppid;
  uint32_t uid;
  uint32_t args_size;      // at most ARGS_SIZE
  uint32_t all_args_size;  // of the process; more than args_size if cut
  char comm[COMM_SIZE];    // ends with a NUL
  char args[ARGS_SIZE];    // each ends with a NUL, but where cut
};
_Static_assert(__builtin_offsetof(struct exec_event, args) == 44, "shared");

#endif  // EXECSNOOP_H_
