;; What the modules of this folder may import.
(module
  (tag $t (import "h" "tag") (param i32))
  (import "h" "f0" (func))
  (import "h" "f1" (func (param i32) (result i32)))
  (import "h" "f2" (func (param i64 f64) (result i64)))
  (import "h" "f3" (func (param f32 i32) (result f64)))
  (import "h" "mem" (memory 1 20))
  (import "h" "tab" (table 3 40 funcref))
  (import "h" "g0" (global i32))
  (import "h" "g1" (global (mut i64)))
)
