;; A module that runs code of its own as it is instantiated, and calls one that is made only then; behind them all, the
;; component asks the host as it starts.
(component
  (import "test:starts/host" (instance $host (export "number" (func (result u32)))))
  (core module $a
    (memory (export "memory") 1)
    (global $n (export "n") (mut i32) (i32.const 5))
    (data (i32.const 8200) "\07")
    (func (export "own") (result i32)
      (i32.add (global.get $n) (i32.mul (i32.load (i32.const 8192)) (i32.const 100))))
    (func (export "leave") (i32.store (i32.const 8192) (i32.const 77)) (global.set $n (i32.const 99))))
  (core module $late
    (memory 1)
    (global $g (mut i32) (i32.const 3))
    (func (export "bump")
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.store (i32.const 0) (i32.const 5)))
    (func (export "get") (result i32) (i32.add (global.get $g) (i32.mul (i32.load (i32.const 0)) (i32.const 10)))))
  (core module $m
    (import "a" "memory" (memory 1))
    (import "a" "n" (global $n (mut i32)))
    (import "late" "bump" (func $bump))
    (func $start
      (call $bump)
      (i32.store (i32.const 8192) (i32.const 4))
      (global.set $n (i32.const 6)))
    (start $start))
  (core module $asking
    (import "host" "number" (func $number (result i32)))
    (import "a" "own" (func $own (result i32)))
    (import "late" "get" (func $get (result i32)))
    (global $asked (mut i32) (i32.const 0))
    (func (export "ask") (global.set $asked (call $number)))
    ;; All that there is, as a number.
    (func (export "state") (result i32)
      (i32.add (i32.mul (global.get $asked) (i32.const 1000000))
        (i32.add (i32.mul (call $get) (i32.const 10000)) (call $own)))))
  (core func $number (canon lower (func $host "number")))
  (core instance $a (instantiate $a))
  (core instance $late (instantiate $late))
  (core instance $m (instantiate $m (with "a" (instance $a)) (with "late" (instance $late))))
  (core instance $asking (instantiate $asking
    (with "a" (instance $a)) (with "late" (instance $late))
    (with "host" (instance (export "number" (func $number))))))
  (func $ask (canon lift (core func $asking "ask")))
  (start $ask)
  (func (export "state") (result u32) (canon lift (core func $asking "state")))
  (func (export "leave") (canon lift (core func $a "leave"))))
