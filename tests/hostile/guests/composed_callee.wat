;; Calls another component, which spins.
(module
  (import "skerry:hostile/work" "spin" (func $spin))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32) (call $spin)))
