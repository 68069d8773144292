;; Exits with the errno of one call on descriptor 1.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $call (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (func (export "_start")
    (call $exit (call $call (i32.const 1) (i32.const 0) (i32.const 1)
                            (i32.const 8)))))
