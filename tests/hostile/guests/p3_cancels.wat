;; Starts a call, cancels it, and does so again.
(module
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $wait (param i64) (result i32)))
  (import "$root" "[subtask-cancel]" (func $cancel (param i32) (result i32)))
  (import "$root" "[subtask-drop]" (func $drop_call (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $call i32)
    (loop $again
      (local.set $call (i32.shr_u (call $wait (i64.const 3_600_000_000_000)) (i32.const 4)))
      (drop (call $cancel (local.get $call)))
      (call $drop_call (local.get $call))
      (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32) i32.const 0))
