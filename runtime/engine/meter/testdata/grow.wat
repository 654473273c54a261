;; Memories and tables of both sizes, each with a function that grows it.
(module
  (memory $a (export "a") 1)
  (memory $b (export "b") i64 1 1000)
  (table $t (export "t") 2 funcref)
  (table $u (export "u") i64 1 5 externref)
  (func (export "grow_a") (param i32) (result i32) (memory.grow $a (local.get 0)))
  (func (export "grow_b") (param i64) (result i64) (memory.grow $b (local.get 0)))
  (func (export "grow_t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (func (export "grow_u") (param externref i64) (result i64) (table.grow $u (local.get 0) (local.get 1)))
)
