;; Writes nothing to a stream that nobody reads, cancels, and does so again.
(module
  (import "wasi:http/types@0.3.0" "[stream-new-0][static]request.new" (func $stream_new (result i64)))
  (import "wasi:http/types@0.3.0" "[async-lower][stream-write-0][static]request.new" (func $write (param i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[stream-cancel-write-0][static]request.new" (func $cancel (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $w i32)
    (local.set $w (i32.wrap_i64 (i64.shr_u (call $stream_new) (i64.const 32))))
    (loop $again
      (if (i32.eq (call $write (local.get $w) (i32.const 0) (i32.const 0)) (i32.const -1)) (then (drop (call $cancel (local.get $w)))))
      (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32) i32.const 0))
