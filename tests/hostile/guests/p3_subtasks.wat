;; Starts to wait for ever, for ever, and drops none of what it waits for.
(module
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $wait (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (loop $again (drop (call $wait (i64.const 3_600_000_000_000))) (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    i32.const 0))
