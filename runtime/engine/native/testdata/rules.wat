;; Where a task may block, and what becomes of one that traps after it has answered.
;; Made by: wasm-tools parse rules.wat -o rules.wasm
(component
  (component $callee
    (core module $m
      (func (export "answer") (result i32) (i32.const 43))
    )
    (core instance $m (instantiate $m))
    (func (export "answer") async (result u32) (canon lift (core func $m "answer")))
  )
  (instance $callee (instantiate $callee))

  (component $caller
    (import "answer" (func $answer async (result u32)))
    (core func $answer (canon lower (func $answer)))
    (core func $new (canon waitable-set.new))
    (core module $m
      (import "" "answer" (func $answer (result i32)))
      (import "" "new" (func $new (result i32)))
      (func (export "ask") (result i32) (call $answer))
      (func (export "seven") (result i32) (i32.const 7))
      (func (export "leave") (param i32) (drop (call $new)))
    )
    (core instance $m (instantiate $m (with "" (instance
      (export "answer" (func $answer))
      (export "new" (func $new))
    ))))
    (func (export "ask") (result u32) (canon lift (core func $m "ask")))
    (func (export "ask-async") async (result u32) (canon lift (core func $m "ask")))
    (func (export "trap-after") (result u32)
      (canon lift (core func $m "seven") (post-return (core func $m "leave"))))
  )
  (instance $caller (instantiate $caller (with "answer" (func $callee "answer"))))
  (func (export "ask") (alias export $caller "ask"))
  (func (export "ask-async") (alias export $caller "ask-async"))
  (func (export "trap-after") (alias export $caller "trap-after"))
)
