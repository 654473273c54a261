;; Modules that run code of their own as they are instantiated: `main`, and `other`, which calls `main` from a function of
;; its own. Neither depends on anything else.
(component
  (import "test:starts/host" (instance $host (export "number" (func (result u32)))))
  (core module $main
    (import "host" "number" (func $number (result i32)))
    (memory (export "memory") 1)
    (global $n (mut i32) (i32.const 5))
    (data (i32.const 8200) "\07")
    (func $init (export "init")
      (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
      (i32.store8 (i32.const 8200) (i32.add (i32.load8_u (i32.const 8200)) (i32.const 1)))
      (i32.store (i32.const 60000) (i32.add (i32.load (i32.const 60000)) (i32.const 1)))
      (global.set $n (i32.add (global.get $n) (i32.const 1))))
    (func (export "ask") (i32.store (i32.const 8192) (call $number)))
    ;; All that there is, as a number.
    (func (export "state") (result i32)
      (i32.add (global.get $n)
        (i32.add (i32.mul (i32.load (i32.const 8192)) (i32.const 100))
          (i32.add (i32.mul (i32.load8_u (i32.const 8200)) (i32.const 10000))
            (i32.mul (i32.load (i32.const 60000)) (i32.const 1000000))))))
    (func (export "leave")
      (i32.store (i32.const 8192) (i32.const 77))
      (i32.store8 (i32.const 8200) (i32.const 0))
      (i32.store (i32.const 60000) (call $number))
      (global.set $n (i32.const 99)))
    (start $init))
  (core module $other
    (import "main" "init" (func $init))
    (func $twice (call $init) (call $init))
    (start $twice))
  (core func $number (canon lower (func $host "number")))
  (core instance $main (instantiate $main (with "host" (instance (export "number" (func $number))))))
  (core instance (instantiate $other (with "main" (instance
    (export "init" (func $main "init"))))))
  (func (export "state") (result u32) (canon lift (core func $main "state")))
  (func (export "leave") (canon lift (core func $main "leave"))))
