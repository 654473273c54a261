;; Works for another component.
(module
  (import "[export]skerry:hostile/work-async" "[task-return]quick" (func $return (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "[async-lift]skerry:hostile/work-async#spin") (result i32) (loop $again (br $again)) unreachable)
  (func (export "[callback][async-lift]skerry:hostile/work-async#spin") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "[async-lift]skerry:hostile/work-async#quick") (param i32) (result i32)
    (call $return (i32.add (local.get 0) (i32.const 1)))
    i32.const 0)
  (func (export "[callback][async-lift]skerry:hostile/work-async#quick") (param i32 i32 i32) (result i32) i32.const 0))
