;; Throws without end, and keeps all that it has thrown: each exception has the one before in it.
(module
  (tag $e (param exnref))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $all exnref)
    (loop $for_ever
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (throw $e (local.get $all)))
        (unreachable))
      (local.set $all)
      (br $for_ever))))
