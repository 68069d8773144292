// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Programs of tracepoints and of functions: each counts what the target does.
#include "program.h"

SEC("?tracepoint/sched/sched_process_fork")
int on_tracepoint(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?tp")
int on_named_tracepoint(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?raw_tp/sched_process_fork")
int on_raw_tracepoint(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?raw_tp")
int on_named_raw_tracepoint(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?tp_btf/sched_process_fork")
int on_btf_tracepoint(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?fentry/security_file_open")
int on_entry(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?fexit/security_file_open")
int on_exit(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?fmod_ret/security_file_open")
int on_return(void* ctx) {
  if (!is_target()) return 0;
  count_hit();
  return -13;  // EACCES
}

SEC("?lsm/socket_create")
int BPF_PROG(deny_socket, int family, int type, int protocol, int kernel,
             int ret) {
  if (ret || !is_target()) return ret;
  count_hit();
  return -1;  // EPERM
}

SEC("?lsm.s/file_open")
int on_sleepable_open(void* ctx) {
  if (is_target()) count_hit();
  return 0;
}

SEC("?iter/task")
int each_task(void* ctx) { return 0; }

// Names that no kernel has.
SEC("?tracepoint/wasm_bpf/no_such_event")
int on_missing_tracepoint(void* ctx) { return 0; }

SEC("?fentry/no_such_function___wasm_bpf")
int on_missing_function(void* ctx) { return 0; }

SEC("?fentry.s/hrtimer_nanosleep")
int on_sleepless_function(void* ctx) { return 0; }
