#ifndef WASM_BPF_GUEST_H_
#define WASM_BPF_GUEST_H_

/// What a C guest includes: the imports of wasm_bpf_v0.h under names that say
/// what they do, with answers in one style: 0 or more on success, a negative
/// Linux error number (-WASM_BPF_ENOENT, ...) on failure.
///
///   static const unsigned char kObject[] = {
///   #embed "tool.bpf.o"
///   };
///   wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);

#include <stdio.h>
#include <time.h>

#include "wasm_bpf_v0.h"

// -- objects ------------------------------------------------------------------

/// Loads `elf`; 0 on failure, after the host has logged why.
static inline wasm_bpf_object wasm_bpf_object_open(const void* elf,
                                                   uint32_t size) {
  return wasm_load_bpf_object(elf, size);
}

/// Detaches and frees. What is still open at the guest's end is closed then.
static inline int wasm_bpf_object_close(wasm_bpf_object object) {
  return wasm_close_bpf_object(object);
}

/// Attaches `program`, by its section where `target` is null.
static inline int wasm_bpf_attach(wasm_bpf_object object, const char* program,
                                  const char* target) {
  return wasm_attach_bpf_program(object, program, target);
}

// -- maps ---------------------------------------------------------------------

/// The map `name`; negative if the object has none.
static inline wasm_bpf_map wasm_bpf_find_map(wasm_bpf_object object,
                                             const char* name) {
  return wasm_bpf_map_fd_by_name(object, name);
}

/// Reads the value of `key`. In a per-CPU map that is one value for each
/// possible CPU: see WASM_BPF_MAX_CPUS.
static inline int wasm_bpf_map_lookup(wasm_bpf_map map, const void* key,
                                      void* value) {
  return wasm_bpf_map_operate(map, WASM_BPF_MAP_LOOKUP, key, value, NULL, 0);
}

/// `flags`: WASM_BPF_ANY, _NOEXIST or _EXIST.
static inline int wasm_bpf_map_update(wasm_bpf_map map, const void* key,
                                      const void* value, uint64_t flags) {
  return wasm_bpf_map_operate(map, WASM_BPF_MAP_UPDATE, key, (void*)value, NULL,
                              flags);
}

static inline int wasm_bpf_map_delete(wasm_bpf_map map, const void* key) {
  return wasm_bpf_map_operate(map, WASM_BPF_MAP_DELETE, key, NULL, NULL, 0);
}

/// The key after `key`, or the first where `key` is null. -WASM_BPF_ENOENT
/// after the last.
static inline int wasm_bpf_map_next_key(wasm_bpf_map map, const void* key,
                                        void* next_key) {
  return wasm_bpf_map_operate(map, WASM_BPF_MAP_GET_NEXT_KEY, key, NULL,
                              next_key, 0);
}

/// Takes the value of `key` out of the map in one step. Hashes: Linux 5.14.
static inline int wasm_bpf_map_lookup_and_delete(wasm_bpf_map map,
                                                 const void* key, void* value) {
  return wasm_bpf_map_operate(map, WASM_BPF_MAP_LOOKUP_AND_DELETE, key, value,
                              NULL, 0);
}

/// Bytes from one CPU's value to the next in a per-CPU map.
#define WASM_BPF_PER_CPU_STRIDE(value_size) (((value_size) + 7u) & ~7u)

/// No Linux has more CPUs than this (NR_CPUS). v0 cannot tell a guest how many
/// there are, so a guest gives zeroed room for all of them: the host fills in
/// those that exist, the others stay zero and add nothing to a sum.
#define WASM_BPF_MAX_CPUS 8192u

// -- buffers ------------------------------------------------------------------

/// Waits for samples of a ring or perf buffer, at most `timeout_ms` (negative:
/// for ever), and gives each to `on_sample`, copied to `data`. Answers how
/// many, 0 at the timeout, -WASM_BPF_EINTR after a Ctrl-C, or what `on_sample`
/// answered if that was negative. A sample larger than `max_size` is cut to it.
static inline int wasm_bpf_poll(wasm_bpf_object object, wasm_bpf_map map,
                                wasm_bpf_sample_fn on_sample, void* ctx,
                                void* data, uint32_t max_size, int timeout_ms) {
  return wasm_bpf_buffer_poll(object, map, on_sample, ctx, data, max_size,
                              timeout_ms);
}

// -- the rest -----------------------------------------------------------------

#if !defined(__STRICT_ANSI__) || defined(__cplusplus)
/// 0 after `seconds`, -WASM_BPF_EINTR if a Ctrl-C came first. Built on POSIX,
/// which -std=c17 hides and -std=gnu17, the default, shows.
static inline int wasm_bpf_sleep(uint32_t seconds) {
  const struct timespec time = {(time_t)seconds, 0};
  return nanosleep(&time, NULL) == 0 ? 0 : -WASM_BPF_EINTR;
}
#endif

/// A sentence for an error number, negated or not. strerror() would read it as
/// one of wasi-libc's. The text lives until the next call.
static inline const char* wasm_bpf_strerror(int error) {
  static char other[24];
  const int number = error < 0 ? -error : error;
  switch (number) {
    case WASM_BPF_EPERM: return "operation not permitted";
    case WASM_BPF_ENOENT: return "no such thing";
    case WASM_BPF_EINTR: return "interrupted";
    case WASM_BPF_EIO: return "host error";
    case WASM_BPF_E2BIG: return "too large";
    case WASM_BPF_EBADF: return "not an open handle";
    case WASM_BPF_ENOMEM: return "out of memory";
    case WASM_BPF_EACCES: return "not granted";
    case WASM_BPF_EFAULT: return "bad address";
    case WASM_BPF_EBUSY: return "busy";
    case WASM_BPF_EEXIST: return "exists already";
    case WASM_BPF_ENODEV: return "no such device";
    case WASM_BPF_EINVAL: return "invalid argument";
    case WASM_BPF_ENOSPC: return "no space left";
    case WASM_BPF_EOPNOTSUPP: return "not supported here";
    default: break;
  }
  snprintf(other, sizeof other, "error %d", number);
  return other;
}

#endif  // WASM_BPF_GUEST_H_
