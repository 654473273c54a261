;; Begins with objects of 16 bytes for each of 32768 elements, in 2 instance(s) of a module; twice.
;; Made by: wasm-tools parse constants_twice.wat -o constants_twice.wasm
(component
  (core module $m
    (type $numbers (array (mut i64)))
    (global (ref $numbers) (array.new_default $numbers (i32.const 32768)))
    (func (export "f") (result i32) i32.const 7))
  (core instance $i1 (instantiate $m))
  (core instance $i2 (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i1 "f"))))
