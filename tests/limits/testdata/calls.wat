;; Calls the host so many times.
;; Made by: wasm-tools parse calls.wat -o calls.wasm
(component
  (import "test:calls/host" (instance $host (export "work" (func))))
  (core func $work (canon lower (func $host "work")))
  (core module $main
    (import "" "work" (func $work))
    (func (export "run") (param $n i32)
      (loop $next
        (call $work)
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (core instance $main (instantiate $main (with "" (instance (export "work" (func $work))))))
  (func (export "run") (param "n" u32) (canon lift (core func $main "run"))))
