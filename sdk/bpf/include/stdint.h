#ifndef WASM_BPF_STDINT_H_
#define WASM_BPF_STDINT_H_

/// The fixed-width types, so that a header can be shared between an eBPF
/// program and its guest. eBPF has no libc, and the system's <stdint.h> does
/// not compile for it.

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

#endif  // WASM_BPF_STDINT_H_
