(module
  (import "wasm_bpf" "wasm_bpf_no_such" (func (param i32) (result i64)))
  (func (export "_start")))
