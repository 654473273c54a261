;; Makes futures, writes to nobody, and drops them, again and again.
(module
  (import "wasi:http/types@0.3.0" "[future-new-1][static]request.new" (func $future_new (result i64)))
  (import "wasi:http/types@0.3.0" "[async-lower][future-write-1][static]request.new" (func $write (param i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-readable-1][static]request.new" (func $drop_r (param i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-writable-1][static]request.new" (func $drop_w (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $f i64)
    (loop $again
      (local.set $f (call $future_new))
      (call $drop_r (i32.wrap_i64 (local.get $f)))
      (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32))) (i32.const 64)))
      (call $drop_w (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32))))
      (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32) i32.const 0))
