;; A callback, an allocator and a destructor may be canonical functions themselves; these have the wrong types.
;; Made by: wasm-tools parse wrong_types.wat -o wrong_types.wasm (its parts are invalid, each in its own way)
(component
  (component
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $m (instantiate $m))
    (core func $callback (canon waitable-set.new))
    (func (export "run") async (canon lift (core func $m "run") async (callback $callback)))
  )
  (component
    (core module $m (memory (export "memory") 1) (func (export "run") (param i32 i32)))
    (core instance $m (instantiate $m))
    (core func $realloc (canon waitable-set.new))
    (func (export "run") (param "s" string)
      (canon lift (core func $m "run") (memory (core memory $m "memory")) (realloc $realloc)))
  )
  (component
    (core func $dtor (canon waitable-set.new))
    (type $r (resource (rep i32) (dtor (core func $dtor))))
  )
)
