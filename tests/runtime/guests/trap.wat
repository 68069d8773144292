;; Reads outside its memory, three calls deep.
(module
  (memory (export "memory") 1)
  (func $read_far (param i32) (drop (i32.load (local.get 0))))
  (func $middle (call $read_far (i32.const -4)))
  (func (export "_start") (call $middle)))
