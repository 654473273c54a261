;; Makes a list of arrays of 96 MB.
(module
  (type $bytes (array (mut i64)))
  (type $node (struct (field $next (ref null $node)) (field (ref $bytes))))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $list (ref null $node))
    (loop $again
      (local.set $list (struct.new $node (local.get $list) (array.new_default $bytes (i32.const 12_000_000))))
      (br $again))))
