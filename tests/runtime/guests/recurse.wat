(module
  (func $again (export "_start") (call $again)))
