;; Values of garbage-collected types where core modules have constants.
;; Made by: wasm-tools parse gc_constants.wat -o gc_constants.wasm
(component
  (core module $m
    (type $s (struct (field i32)))
    (table (export "t") 1 i31ref (ref.i31 (i32.const 7)))
    (global (export "g") (ref $s) (struct.new $s (i32.const 5)))
    (func (export "f") (result i32) (i31.get_s (table.get 0 (i32.const 0)))))
  (core instance $m (instantiate $m))
  (func (export "f") (result s32) (canon lift (core func $m "f"))))
