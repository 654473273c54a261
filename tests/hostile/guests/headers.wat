;; Adds to its response's headers for ever.
(module
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 2048) "x-header")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $headers i32)
    (local.set $headers (call $fields))
    (loop $again
      (call $append (local.get $headers) (i32.const 2048) (i32.const 8) (i32.const 2048) (i32.const 8) (i32.const 16))
      (br $again))))
