;; A core module that waits when it starts, where nothing may.
;; Made by: wasm-tools parse start_waits.wat -o start_waits.wasm
(component
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $new (canon waitable-set.new))
  (core func $wait (canon waitable-set.wait (memory (core memory $memory "memory"))))
  (core module $m
    (import "" "new" (func $new (result i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (func $start (drop (call $wait (call $new) (i32.const 0))))
    (start $start)
  )
  (core instance $m (instantiate $m (with "" (instance
    (export "new" (func $new))
    (export "wait" (func $wait))
  ))))
)
