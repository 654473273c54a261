;; Makes streams for ever, and drops none.
(module
  (import "wasi:http/types@0.3.0" "[stream-new-0][static]request.new" (func $stream_new (result i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (loop $again (drop (call $stream_new)) (br $again))
    unreachable)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    i32.const 0))
