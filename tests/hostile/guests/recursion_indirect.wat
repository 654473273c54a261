;; Calls itself through a table until the stack is full.
(module
  (table 1 funcref) (elem (i32.const 0) $f)
  (type $t (func (param i32 i64 f64) (result i32)))
  (memory (export "memory") 1)
  (func $f (type $t) (i32.add (i32.const 1) (call_indirect (type $t) (local.get 0) (i64.add (local.get 1) (i64.const 1)) (local.get 2) (i32.const 0))))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (drop (call_indirect (type $t) (i32.const 1) (i64.const 0) (f64.const 0) (i32.const 0)))))
