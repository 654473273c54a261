;; Imports what every JavaScript object has.
;; Made by: wasm-tools parse inherited.wat -o inherited.wasm
(component
  (import "wasi:random/random@0.2.12" (instance $r
    (export "to-string" (func (result string)))
    (export "constructor" (func (param "x" u32) (result u32)))
    (export "value-of" (func (result u32)))))
  (core module $m (memory (export "memory") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 8))
  (core instance $i (instantiate $m))
  (core func $c (canon lower (func $r "constructor")))
  (core module $n (import "" "c" (func (param i32) (result i32))) (func (export "f") (result i32) (call 0 (i32.const 1))))
  (core instance $j (instantiate $n (with "" (instance (export "c" (func $c))))))
  (func (export "f") (result u32) (canon lift (core func $j "f"))))
