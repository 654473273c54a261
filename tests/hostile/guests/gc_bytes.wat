;; Makes an array of 100 MB of bytes, and ends without an answer: nothing that it should be ended for.
(module
  (type $bytes (array (mut i8)))
  (memory (export "memory") 1)
  (global $last (mut (ref null $bytes)) (ref.null $bytes))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (global.set $last (array.new_default $bytes (i32.const 100_000_000)))))
