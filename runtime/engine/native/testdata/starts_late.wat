;; As starts.wat, but with a main module that has no data: it is made when something of it is needed, which is as it starts.
(component
  (import "test:starts/host" (instance $host (export "number" (func (result u32)))))
  (core module $shim
    (type (func (result i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (result i32) (call_indirect (type 0) (i32.const 0))))
  (core module $main
    (import "host" "number" (func $number (result i32)))
    (memory (export "memory") 1)
    (global $n (mut i32) (i32.const 5))
    (func (export "init")
      (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
      (i32.store8 (i32.const 8200) (i32.add (i32.load8_u (i32.const 8200)) (i32.const 1)))
      (global.set $n (i32.add (global.get $n) (i32.const 1))))
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
      (global.set $n (i32.const 99))))
  (core module $fixup
    (import "" "$imports" (table 1 1 funcref))
    (import "" "number" (func $number (result i32)))
    (import "" "init" (func $init))
    (elem (i32.const 0) func $number)
    (start $init))
  (core instance $shim (instantiate $shim))
  (core instance $main (instantiate $main (with "host" (instance
    (export "number" (func $shim "0"))))))
  (core func $number (canon lower (func $host "number")))
  (core instance (instantiate $fixup (with "" (instance
    (export "$imports" (table $shim "$imports"))
    (export "number" (func $number))
    (export "init" (func $main "init"))))))
  (func (export "state") (result u32) (canon lift (core func $main "state")))
  (func (export "leave") (canon lift (core func $main "leave"))))
