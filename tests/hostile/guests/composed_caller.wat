;; Spins, calling another component, which answers at once.
(module
  (import "skerry:hostile/work" "quick" (func $quick (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $again (drop (call $quick (i32.const 1))) (br $again))))
