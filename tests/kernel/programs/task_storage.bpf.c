// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
#include "program.h"

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} per_task SEC(".maps");
