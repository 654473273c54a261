;; Throws through a hundred frames and catches it, again and again.
(module
  (tag $e (param i64))
  (memory (export "memory") 1)
  (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e (i64.const 1)))))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $for_ever
      (block $caught (result i64)
        (try_table (catch $e $caught) (call $deep (i32.const 100)))
        (i64.const 0))
      drop
      (br $for_ever))))
