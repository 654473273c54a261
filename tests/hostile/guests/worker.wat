;; Works for another component.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "skerry:hostile/work#spin") (loop $again (br $again)))
  (func (export "skerry:hostile/work#quick") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
