/* What third_party/engine adds to Wasmtime's C API. */
#ifndef WASMBPF_ENGINE_LIB_H_
#define WASMBPF_ENGINE_LIB_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasmtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* BLAKE3 of `data`, keyed with 32 bytes, into the 32 bytes at `out`. */
void wasmbpf_keyed_digest(const uint8_t key[32], const uint8_t* data,
                          size_t len, uint8_t out[32]);

/* The function at `index` of a funcref table; false when the index is outside
 * it or the entry is null. (wasmtime_table_get aborts the process on function
 * references when the engine is built without its "gc" feature.) */
bool wasmbpf_table_get_func(wasmtime_context_t* store,
                            const wasmtime_table_t* table, uint64_t index,
                            wasmtime_func_t* out);

/* The readable form of a mangled C++ or Rust name (any other name as it is),
 * cut to `size` bytes, not terminated; answers how many were written. */
size_t wasmbpf_demangle(const char* name, size_t len, char* out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
