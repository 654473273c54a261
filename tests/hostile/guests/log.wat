;; Writes to its standard output for ever.
(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 2048) "This line is fifty bytes, counting its very end.\n")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $out i32)
    (local.set $out (call $stdout))
    (loop $again
      (call $write (local.get $out) (i32.const 2048) (i32.const 49) (i32.const 16))
      (br $again))))
