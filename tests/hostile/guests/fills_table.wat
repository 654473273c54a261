;; Fills and copies all of a large table, again and again.
(module
  (memory (export "memory") 1)
  (table $table 190_000 funcref)
  (elem declare func $nothing)
  (func $nothing)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (loop $again
      (table.fill $table (i32.const 0) (ref.func $nothing) (i32.const 190_000))
      (table.copy $table $table (i32.const 0) (i32.const 1) (i32.const 189_999))
      (br $again))))
