;; Asks for a megabyte of random bytes, again and again.
(module
  (import "wasi:random/random@0.2.12" "get-random-bytes" (func $random (param i64 i32)))
  (memory (export "memory") 32)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $again
      (call $random (i64.const 1048576) (i32.const 8))
      (br $again))))
