;; Instances of one module, and of one component: each has a memory of its own.
;; Made by: wasm-tools parse twice.wat -o twice.wasm
(component
  (component $c
    (core module $m (memory (export "m") 16))
    (core instance $i (instantiate $m)))
  (instance $a (instantiate $c))
  (instance $b (instantiate $c))
  (core module $n (memory (export "m") 2) (func (export "f") (result i32) i32.const 7))
  (core instance $x (instantiate $n))
  (core instance $y (instantiate $n))
  (func (export "f") (result u32) (canon lift (core func $x "f")))
  (func (export "g") (result u32) (canon lift (core func $y "f")))
)
