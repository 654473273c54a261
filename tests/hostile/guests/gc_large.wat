;; Makes arrays of 800 MB, and keeps none: each is made at once, while nobody else runs.
(module
  (type $numbers (array (mut i64)))
  (memory (export "memory") 1)
  (global $last (mut (ref null $numbers)) (ref.null $numbers))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $again
      (global.set $last (array.new_default $numbers (i32.const 100_000_000)))
      (br $again))))
