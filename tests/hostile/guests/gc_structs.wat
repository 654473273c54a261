;; Makes a list of small objects without end.
(module
  (type $node (struct (field $next (ref null $node)) (field i64 i64 i64 i64 i64 i64 i64 i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $list (ref null $node))
    (loop $again
      (local.set $list (struct.new $node (local.get $list) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
        (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))
      (br $again))))
