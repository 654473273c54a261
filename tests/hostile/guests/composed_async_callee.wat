;; Calls another component without waiting for it, which spins.
(module
  (import "skerry:hostile/work-async" "[async-lower]spin" (func $spin (result i32)))
  (import "$root" "[waitable-set-new]" (func $set_new (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (local $set i32)
    (local.set $set (call $set_new))
    (call $join (i32.shr_u (call $spin) (i32.const 4)) (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    i32.const 0))
