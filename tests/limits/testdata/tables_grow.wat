;; Begins with 90000 elements in the table of each of 2 instances of a module; they can
;; be grown.
;; Made by: wasm-tools parse tables_grow.wat -o tables_grow.wasm
(component
  (core module $m
    (table 90000 funcref)
    (func (export "f") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0))))
  (core instance $i1 (instantiate $m))
  (core instance $i2 (instantiate $m))
  (func (export "f") (param "n" u32) (result s32) (canon lift (core func $i1 "f")))
  (func (export "g") (param "n" u32) (result s32) (canon lift (core func $i2 "f"))))
