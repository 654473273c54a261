;; Waits on a shared memory, which nobody else has.
(module
  (memory (export "memory") 1 1 shared)
  (func (export "wait32") (param $expected i32) (result i32)
    (memory.atomic.wait32 offset=8 (i32.const 0) (local.get $expected) (i64.const -1)))
  (func (export "wait64") (param $expected i64) (result i32)
    (memory.atomic.wait64 offset=16 (i32.const 0) (local.get $expected) (i64.const -1)))
  (func (export "notify") (result i32) (memory.atomic.notify offset=8 (i32.const 0) (i32.const 1)))
)
