;; Spins in an async function without a callback.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift-stackful]wasi:http/handler@0.3.0#handle") (param i32)
    (loop $again (br $again))))
