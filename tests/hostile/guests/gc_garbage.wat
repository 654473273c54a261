;; Makes 800 MB of objects and arrays, keeps none, and ends without an answer: nothing that it should be ended for.
(module
  (type $bytes (array (mut i64)))
  (type $node (struct (field i64) (field i64) (field i64)))
  (memory (export "memory") 1)
  (global $last (mut (ref null $bytes)) (ref.null $bytes))
  (global $node (mut (ref null $node)) (ref.null $node))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $i i32)
    (loop $again
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 1000)))
        (then (global.set $last (array.new $bytes (i64.const 1) (i32.const 100_000)))))
      (global.set $node (struct.new $node (i64.const 1) (i64.const 2) (i64.const 3)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1_000_000))))))
