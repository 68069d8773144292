// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
#include "program.h"

extern int bpf_no_such_kfunc___wasm_bpf(int x) __ksym;

SEC("tc")
int needs_it(struct __sk_buff* skb) { return bpf_no_such_kfunc___wasm_bpf(1); }
