;; Spins in its allocator, which the host calls to give it the path.
(module
  (import "wasi:http/types@0.2.12" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (loop $again (br $again))
    unreachable)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (call $path (local.get 0) (i32.const 16))))
