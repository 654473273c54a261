;; Begins with objects of 16 bytes for each of 65536 elements, in 1 instance(s) of a module; large.
;; Made by: wasm-tools parse constants_large.wat -o constants_large.wasm
(component
  (core module $m
    (type $numbers (array (mut i64)))
    (global (ref $numbers) (array.new_default $numbers (i32.const 65536)))
    (func (export "f") (result i32) i32.const 7))
  (core instance $i1 (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i1 "f"))))
