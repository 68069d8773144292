#ifndef WASMBPF_TESTS_CONFORMANCE_V0_GUEST_H_
#define WASMBPF_TESTS_CONFORMANCE_V0_GUEST_H_

#include <string>
#include <string_view>

namespace wasmbpf::testing {

/// A guest with one page of memory, the six v0 imports, `$report` and a
/// callback `$on_sample` at index 1 of its table; `start` is the body of
/// `_start`. "execve" stands at 1024, NUL-terminated.
inline std::string v0_guest(std::string_view start) {
  return R"((module
  (import "wasm_bpf" "wasm_load_bpf_object"
    (func $load (param i32 i32) (result i64)))
  (import "wasm_bpf" "wasm_close_bpf_object"
    (func $close (param i64) (result i32)))
  (import "wasm_bpf" "wasm_attach_bpf_program"
    (func $attach (param i64 i32 i32) (result i32)))
  (import "wasm_bpf" "wasm_bpf_buffer_poll"
    (func $poll (param i64 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasm_bpf" "wasm_bpf_map_fd_by_name"
    (func $map (param i64 i32) (result i32)))
  (import "wasm_bpf" "wasm_bpf_map_operate"
    (func $operate (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "test" "report" (func $report (param i64)))
  (memory (export "memory") 1 1)
  (data (i32.const 1024) "execve\00")
  (table (export "callbacks") 3 funcref)
  (elem (i32.const 1) $on_sample)
  (func $on_sample (param i32 i32 i32) (result i32) (i32.const 0))
  (func $report32 (param i32)
    (call $report (i64.extend_i32_s (local.get 0))))
  (func (export "_start") )" +
         std::string(start) + "))";
}

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_CONFORMANCE_V0_GUEST_H_
