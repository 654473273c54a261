;; Begins with 90000 elements in the table of each of 2 instances of a module.
;; Made by: wasm-tools parse tables_enough.wat -o tables_enough.wasm
(component
  (core module $m
    (table 90000 funcref)
    (func (export "f") (result i32) i32.const 7))
  (core instance $i1 (instantiate $m))
  (core instance $i2 (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i1 "f"))))
