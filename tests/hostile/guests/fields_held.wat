;; Copies a thousand headers, as often as it may have handles, and waits with all of them: they lie in the host's heap.
(module
  (import "wasi:http/types@0.2.12" "[static]fields.from-list" (func $from_list (param i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.clone" (func $clone (param i32) (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (memory (export "memory") 2)
  ;; All have one name and one value.
  (data (i32.const 32) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $i i32)
    (local.set $i (i32.const 65536))
    (loop $fill
      (i32.store (local.get $i) (i32.const 32))
      (i32.store offset=4 (local.get $i) (i32.const 30))
      (i32.store offset=8 (local.get $i) (i32.const 32))
      (i32.store offset=12 (local.get $i) (i32.const 30))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 81520))))
    (call $from_list (i32.const 65536) (i32.const 999) (i32.const 8))
    (local.set $i (i32.const 99_990))
    (loop $again
      (drop (call $clone (i32.load (i32.const 12))))
      (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (call $block (call $timer (i64.const 3_600_000_000_000)))))
