#ifndef WASM_BPF_V0_H_
#define WASM_BPF_V0_H_

/// The guest interface `wasm_bpf`, version 0, as C declarations: six functions
/// that a Wasm module imports. wasm_bpf_v0.md beside this file says what each
/// does in full. Guests are easier to write with <wasm_bpf/guest.h>.
///
/// Outside Wasm the same names are ordinary functions that the program supplies
/// itself, so that a guest's logic can also be compiled and tested natively.

#include <stdint.h>

#ifdef __wasm__
#define WASM_BPF_IMPORT(from, what) \
  __attribute__((import_module(from), import_name(what)))
#else
#define WASM_BPF_IMPORT(from, what)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded eBPF object: positive, below 2^31. 0 is no object.
typedef uint64_t wasm_bpf_object;

/// A map: positive, below 2^31. A handle, not a file descriptor, whatever the
/// functions' names say: they are older than this project.
typedef int32_t wasm_bpf_map;

/// Gets one sample: `size` bytes at `data`. A negative result ends the poll,
/// which then answers it; any other lets the poll go on.
typedef int32_t (*wasm_bpf_sample_fn)(void* ctx, void* data, uint32_t size);

/// What `wasm_bpf_map_operate` can do: the numbers of bpf(2).
enum wasm_bpf_map_command {
  WASM_BPF_MAP_LOOKUP = 1,
  WASM_BPF_MAP_UPDATE = 2,
  WASM_BPF_MAP_DELETE = 3,
  WASM_BPF_MAP_GET_NEXT_KEY = 4,
  WASM_BPF_MAP_LOOKUP_AND_DELETE = 21,
};

/// Flags of an update: the numbers of bpf(2).
enum wasm_bpf_update_flag {
  WASM_BPF_ANY = 0,      ///< create or replace
  WASM_BPF_NOEXIST = 1,  ///< create only
  WASM_BPF_EXIST = 2,    ///< replace only
};

/// Error numbers, which calls answer negated. They are Linux's, and not the
/// ones of the guest's own <errno.h>: wasi-libc has EINTR = 27, for one. The
/// kernel may answer others too (wasm_bpf_v0.md, "Errors").
enum wasm_bpf_error {
  WASM_BPF_EPERM = 1,
  WASM_BPF_ENOENT = 2,
  WASM_BPF_EINTR = 4,
  WASM_BPF_EIO = 5,
  WASM_BPF_E2BIG = 7,
  WASM_BPF_ENOEXEC = 8,
  WASM_BPF_EBADF = 9,
  WASM_BPF_EAGAIN = 11,
  WASM_BPF_ENOMEM = 12,
  WASM_BPF_EACCES = 13,
  WASM_BPF_EFAULT = 14,
  WASM_BPF_EBUSY = 16,
  WASM_BPF_EEXIST = 17,
  WASM_BPF_ENODEV = 19,
  WASM_BPF_EINVAL = 22,
  WASM_BPF_ENOSPC = 28,
  WASM_BPF_EOPNOTSUPP = 95,
};

/// Loads an ELF object of `size` bytes into the kernel; its bytes are not
/// needed afterwards. 0 on failure, with the reason in the host's log.
WASM_BPF_IMPORT("wasm_bpf", "wasm_load_bpf_object")
wasm_bpf_object wasm_load_bpf_object(const void* elf, uint32_t size);

/// Detaches the object's programs and frees it and its maps.
WASM_BPF_IMPORT("wasm_bpf", "wasm_close_bpf_object")
int32_t wasm_close_bpf_object(wasm_bpf_object object);

/// Attaches the program `name`. `target` null or empty: by the program's
/// section; else a target string.
WASM_BPF_IMPORT("wasm_bpf", "wasm_attach_bpf_program")
int32_t wasm_attach_bpf_program(wasm_bpf_object object, const char* name,
                                const char* target);

/// Delivers the samples of ring or perf buffer `map`, each copied to `data`,
/// after waiting for the first one at most `timeout_ms` (negative: for ever).
/// Answers the number delivered, 0 at the timeout.
WASM_BPF_IMPORT("wasm_bpf", "wasm_bpf_buffer_poll")
int32_t wasm_bpf_buffer_poll(wasm_bpf_object object, wasm_bpf_map map,
                             wasm_bpf_sample_fn on_sample, void* ctx,
                             void* data, uint32_t max_size, int32_t timeout_ms);

/// A handle of the map `name`.
WASM_BPF_IMPORT("wasm_bpf", "wasm_bpf_map_fd_by_name")
wasm_bpf_map wasm_bpf_map_fd_by_name(wasm_bpf_object object, const char* name);

/// One operation on a map; `command` is a `wasm_bpf_map_command`.
WASM_BPF_IMPORT("wasm_bpf", "wasm_bpf_map_operate")
int32_t wasm_bpf_map_operate(wasm_bpf_map map, uint32_t command,
                             const void* key, void* value, void* next_key,
                             uint64_t flags);

/// The same import with 64-bit pointers, as some guests declare it. A module
/// may have one form or the other.
WASM_BPF_IMPORT("wasm_bpf", "wasm_bpf_map_operate")
int32_t wasm_bpf_map_operate_i64(wasm_bpf_map map, uint32_t command,
                                 uint64_t key, uint64_t value,
                                 uint64_t next_key, uint64_t flags);

/// The poll of modules without a function table (Go): each sample goes to the
/// module's export `go-callback`, of the same type as `wasm_bpf_sample_fn`.
WASM_BPF_IMPORT("callback-wrapper", "wasm_bpf_buffer_poll")
int32_t wasm_bpf_buffer_poll_export(wasm_bpf_object object, wasm_bpf_map map,
                                    void* ctx, void* data, uint32_t max_size,
                                    int32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif  // WASM_BPF_V0_H_
