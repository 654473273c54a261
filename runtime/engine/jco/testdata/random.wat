;; wasm-tools parse runtime/engine/jco/testdata/random.wat -o runtime/engine/jco/testdata/random.wasm
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (core func $get (canon lower (func $random "get-random-u64")))
  (core module $m
    (import "r" "get" (func $get (result i64)))
    (export "roll" (func $get)))
  (core instance $i (instantiate $m (with "r" (instance (export "get" (func $get))))))
  (func $roll (result u64) (canon lift (core func $i "roll")))
  (instance $dice (export "roll" (func $roll)))
  (export "test:random/dice" (instance $dice)))
