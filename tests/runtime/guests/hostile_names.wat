;; Names that a terminal would obey, and that would forge a line of a log.
(module
  (import "colour\1b[31m" "name\0awasm-bpf: error: forged\c2\9b" (func)))
