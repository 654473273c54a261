;; The same with the exceptions of before 2025, which a module must not mix with the new ones.
(module
  (tag $thrown (param i32))
  (func (export "catch_then_loop") (loop $l (try (do (throw $thrown (i32.const 1))) (catch $thrown (drop))) (br $l)))
  (func (export "loop_from_catch") (loop $l (try (do (throw $thrown (i32.const 1))) (catch $thrown (drop) (br $l)))))
  (func (export "loop_from_catch_all") (loop $l (try (do (throw $thrown (i32.const 1))) (catch_all (br $l)))))
  (func (export "rethrow_and_delegate")
    (loop $l
      (try $outer
        (do
          (try
            (do (try (do (throw $thrown (i32.const 1))) (catch $thrown (drop) (rethrow 0)))) (delegate $outer)))
        (catch_all))
      (br $l)))
  (func $recursion (export "tree_by_exceptions") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (throw $thrown (i32.const 1))))
    (try (result i32) (do (call $recursion (i32.sub (local.get 0) (i32.const 1)))) (catch $thrown) (catch_all (i32.const 0)))
    (drop)
    (call $recursion (i32.sub (local.get 0) (i32.const 1))))
  (func (export "catches_the_end") (loop $l (try (do (loop $m (br $m))) (catch_all)) (br $l)))
)
