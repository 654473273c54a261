;; Spins without a loop: 2^60 calls, never more than 60 deep.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func $tree (param i32)
    (if (local.get 0)
      (then
        (call $tree (i32.sub (local.get 0) (i32.const 1)))
        (call $tree (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (call $tree (i32.const 60))))
