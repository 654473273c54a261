;; A list of lists that are all the same bytes: 64 KiB of memory, read as 512 MiB.
;; Made by: wasm-tools parse amplify.wat -o amplify.wasm
(component
  (core module $m
    (memory (export "memory") 2)
    (func (export "lists") (result i32)
      (local $at i32)
      (loop $next
        (i32.store offset=16 (local.get $at) (i32.const 65536))
        (i32.store offset=20 (local.get $at) (i32.const 65536))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65520))))
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 8190))
      (i32.const 0))
  )
  (core instance $m (instantiate $m))
  (func (export "lists") (result (list (list u8)))
    (canon lift (core func $m "lists") (memory (core memory $m "memory"))))
)
