;; Not hostile: takes streams, futures and calls many times, and gives nearly all back. Its answer is an error without a body.
(module
  (import "wasi:http/types@0.3.0" "[stream-new-0][static]request.new" (func $stream_new (result i64)))
  (import "wasi:http/types@0.3.0" "[stream-drop-readable-0][static]request.new" (func $drop_reader (param i32)))
  (import "wasi:http/types@0.3.0" "[stream-drop-writable-0][static]request.new" (func $drop_writer (param i32)))
  (import "wasi:http/types@0.3.0" "[future-new-1][static]request.new" (func $future_new (result i64)))
  (import "wasi:http/types@0.3.0" "[future-drop-readable-2][static]request.new" (func $drop_outcome (param i32)))
  (import "wasi:http/types@0.3.0" "[constructor]fields" (func $fields (result i32)))
  ;; Without these jco's transpiler breaks down.
  (import "wasi:http/types@0.3.0" "[method]response.get-status-code" (func (param i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[constructor]request-options" (func (result i32)))
  (import "wasi:http/types@0.3.0" "[static]request.new"
    (func $request (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[resource-drop]request" (func $drop_request (param i32)))
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $wait (param i64) (result i32)))
  (import "$root" "[subtask-cancel]" (func $cancel (param i32) (result i32)))
  (import "$root" "[subtask-drop]" (func $drop_call (param i32)))
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $return (param i32 i32 i32 i64 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)

  (func $stream
    (local $ends i64)
    (local.set $ends (call $stream_new))
    (call $drop_reader (i32.wrap_i64 (local.get $ends)))
    (call $drop_writer (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32)))))

  ;; The end that the trailers would be written to is kept: it may not be dropped before.
  (func $message
    (local $body i64)
    (local.set $body (call $stream_new))
    (call $request
      (call $fields)
      (i32.const 1) (i32.wrap_i64 (local.get $body))
      (i32.wrap_i64 (call $future_new))
      (i32.const 0) (i32.const 0)
      (i32.const 16))
    (call $drop_outcome (i32.load (i32.const 20)))
    (call $drop_request (i32.load (i32.const 16)))
    (call $drop_writer (i32.wrap_i64 (i64.shr_u (local.get $body) (i64.const 32)))))

  (func $call
    (local $call i32)
    (local.set $call (i32.shr_u (call $wait (i64.const 3_600_000_000_000)) (i32.const 4)))
    (drop (call $cancel (local.get $call)))
    (call $drop_call (local.get $call)))

  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $left i32)
    (local.set $left (i32.const 30))
    (loop $again
      (call $stream)
      (call $message)
      (call $call)
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $return (i32.const 1) (i32.const 0) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    i32.const 0)
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    i32.const 0))
