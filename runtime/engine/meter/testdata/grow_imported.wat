(module
  (import "host" "memory" (memory 1))
  (import "host" "table" (table 1 externref))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0)))
)
