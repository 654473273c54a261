;; Makes fields of a thousand, and clones and lists them again and again.
(module
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.clone" (func $clone (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.entries" (func $entries (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[resource-drop]fields" (func $drop (param i32)))
  (memory (export "memory") 32)
  (data (i32.const 100) "x-abcdef")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)
    (local $f i32) (local $i i32)
    (local.set $f (call $fields))
    (loop $fill
      (call $append (local.get $f) (i32.const 100) (i32.const 8) (i32.const 100) (i32.const 8) (i32.const 8))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 990))))
    (loop $again
      (call $drop (call $clone (local.get $f)))
      (call $entries (local.get $f) (i32.const 8))
      (br $again))))
