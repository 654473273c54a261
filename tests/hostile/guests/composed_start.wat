;; Has another component spin as it starts, where it cannot be suspended.
(module
  (import "skerry:hostile/work" "spin" (func $spin))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func $begin (call $spin))
  (start $begin)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)))
