;; Calls another component again and again, which answers at once.
(module
  (import "skerry:hostile/work-async" "[async-lower]quick" (func $quick (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (loop $again
      (drop (call $quick (i32.const 1) (i32.const 16)))
      (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    i32.const 0))
