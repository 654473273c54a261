;; Makes so many threads that wait for what never comes, and waits for the host itself.
;; Made by: wasm-tools parse threads.wat -o threads.wasm
(component
  (import "test:threads/host" (instance $host (export "wait" (func async))))
  (core module $mem (memory (export "m") 1) (table (export "t") 1 funcref))
  (core instance $mem (instantiate $mem))
  (core type $start (func (param i32)))
  (core func $host-wait (canon lower (func $host "wait")))
  (core func $new-set (canon waitable-set.new))
  (core func $wait (canon waitable-set.wait (memory (core memory $mem "m"))))
  (core func $new-thread (canon thread.new-indirect $start (core table $mem "t")))
  (core func $resume (canon thread.resume-later))
  (core func $return (canon task.return))
  (core module $main
    (import "m" "t" (table 1 funcref))
    (import "" "host-wait" (func $host-wait))
    (import "" "new-set" (func $new-set (result i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "new-thread" (func $new-thread (param i32 i32) (result i32)))
    (import "" "resume" (func $resume (param i32)))
    (import "" "return" (func $return))
    (func $thread (param i32) (drop (call $wait (local.get 0) (i32.const 0))))
    (elem (i32.const 0) func $thread)
    (func (export "run") (param $n i32)
      (local $set i32)
      (local.set $set (call $new-set))
      (loop $next
        (call $resume (call $new-thread (i32.const 0) (local.get $set)))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $host-wait)
      (call $return)))
  (core instance $main (instantiate $main
    (with "m" (instance $mem))
    (with "" (instance
      (export "host-wait" (func $host-wait)) (export "new-set" (func $new-set)) (export "wait" (func $wait))
      (export "new-thread" (func $new-thread)) (export "resume" (func $resume)) (export "return" (func $return))))))
  (func (export "run") async (param "n" u32) (canon lift (core func $main "run") async)))
