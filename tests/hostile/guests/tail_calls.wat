;; Calls on and on by tail calls, directly, through a table and by reference: nothing of it is a loop or takes stack.
(module
  (type $nothing (func))
  (table 1 funcref)
  (elem (i32.const 0) func $second)
  (elem declare func $third)
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func $first (return_call_indirect (type $nothing) (i32.const 0)))
  (func $second (return_call_ref $nothing (ref.func $third)))
  (func $third (type $nothing) (return_call $first))
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (return_call $first)))
