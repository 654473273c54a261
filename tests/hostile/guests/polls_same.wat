;; Waits for a list that names one timer four hundred thousand times.
(module
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))
  (memory (export "memory") 100)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $t i32) (local $i i32)
    (local.set $t (call $timer (i64.const 3_600_000_000_000)))
    (local.set $i (i32.const 65536))
    (loop $fill
      (i32.store (local.get $i) (local.get $t))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 1665536))))
    (loop $again
      (call $poll (i32.const 65536) (i32.const 400000) (i32.const 8))
      (br $again))))
