;; Grows a table and fills it, again and again, as it starts.
(module
  (table $t 1 funcref)
  (memory (export "memory") 1)
  (func $start (loop $again (drop (table.grow $t (ref.null func) (i32.const 1))) (table.fill $t (i32.const 0) (ref.null func) (table.size $t)) (br $again)))
  (start $start)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)))
