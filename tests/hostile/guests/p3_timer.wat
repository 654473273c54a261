;; Waits for a timer, and spins when it hears of it.
(module
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $wait (param i64) (result i32)))
  (import "$root" "[waitable-set-new]" (func $set_new (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $set i32) (local $timer i32)
    (local.set $set (call $set_new))
    (local.set $timer (i32.shr_u (call $wait (i64.const 5_000_000)) (i32.const 4)))
    ;; It may be over already.
    (if (i32.eqz (local.get $timer)) (then (loop $again (br $again))))
    (call $join (local.get $timer) (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    (loop $again (br $again))
    unreachable))
