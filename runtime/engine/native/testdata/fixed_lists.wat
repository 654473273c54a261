;; Lists of a fixed length, also inside each other: echoed by a nested component, flat and through memory.
;; Made by: wasm-tools parse fixed_lists.wat -o fixed_lists.wasm
(component
  (type $pair (list u32 2))
  (type $grid (list $pair 2))
  (type $bits (list bool 40))
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
    (func (export "grid") (param i32 i32 i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.store (i32.const 24) (local.get 2))
      (i32.store (i32.const 28) (local.get 3))
      (i32.const 16))
    (func (export "bits") (param i32) (result i32) (local.get 0))
  )
  (core instance $m (instantiate $m))
  (func (export "grid") (param "v" $grid) (result $grid)
    (canon lift (core func $m "grid") (memory (core memory $m "memory"))))
  (func (export "bits") (param "v" $bits) (result $bits)
    (canon lift (core func $m "bits") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
)
