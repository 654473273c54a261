;; Catches whatever ends its spinning, and spins on.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func $spin (loop $again (br $again)))
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $for_ever
      (block $caught
        (try_table (catch_all $caught) (call $spin)))
      (br $for_ever))))
