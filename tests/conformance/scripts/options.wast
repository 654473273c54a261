;; The options of canonical functions.

(component definition
  (core module $m
    (memory (export "m") 1)
    (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "p"))
    (func (export "c") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (type $strings (stream string))
  (type $bytes (stream u8))
  (type $signal (future))
  (canon stream.read $strings (memory (core memory $i "m")) (realloc (core func $i "r")) (core func))
  (canon stream.write $strings (memory (core memory $i "m")) (core func))
  (canon stream.read $bytes async (memory (core memory $i "m")) (core func))
  (canon future.read $signal (core func))
  (canon task.return (result string) (memory (core memory $i "m")) string-encoding=utf16 (core func))
  (canon task.return (result u8) (core func))
  (canon error-context.new (memory (core memory $i "m")) (core func))
  (canon error-context.debug-message (memory (core memory $i "m")) (realloc (core func $i "r")) (core func))
  (canon context.set i32 1 (core func)))

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon stream.read $strings (memory (core memory $i "m")) (core func)))
  "`realloc` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon stream.read $bytes (core func)))
  "`memory` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon stream.write $bytes (core func)))
  "`memory` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon future.read $signal (realloc (core func $i "r")) (core func)))
  "`memory` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon stream.read $bytes (memory (core memory $i "m")) (post-return (core func $i "p")) (core func)))
  "`post-return` cannot be specified for a read")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon stream.write $bytes async (memory (core memory $i "m")) (callback (core func $i "c")) (core func)))
  "`callback` cannot be specified for a write")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon task.return (result string) (memory (core memory $i "m")) (realloc (core func $i "r")) (core func)))
  "`realloc` cannot be specified for task.return")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon task.return (result string) (core func)))
  "`memory` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon task.return (result u8) async (core func)))
  "`async` cannot be specified for task.return")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon error-context.new (core func)))
  "`memory` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon error-context.new (memory (core memory $i "m")) async (core func)))
  "`async` cannot be specified for error-context.new")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon error-context.debug-message (memory (core memory $i "m")) (core func)))
  "`realloc` is required")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (canon context.get i32 2 (core func)))
  "a context has the slots 0 and 1")

(assert_invalid
  (component
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p"))
      (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $strings (stream string))
    (type $bytes (stream u8))
    (type $signal (future))
    (import "f" (func $f))
    (canon lower (func $f) (realloc (core func $i "r")) (core func)))
  "`memory` is required")
