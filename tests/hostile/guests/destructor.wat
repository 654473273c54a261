;; Spins in the destructor of a resource of its own.
(module
  (import "[export]skerry:hostile/things" "[resource-new]thing" (func $new (param i32) (result i32)))
  (import "[export]skerry:hostile/things" "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "skerry:hostile/things#[dtor]thing") (param i32) (loop $again (br $again)))
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (call $drop (call $new (i32.const 1)))))
