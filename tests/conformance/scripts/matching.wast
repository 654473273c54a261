;; What is given is what was asked for.

;; a component is checked for itself: what it is given later does not help it

(assert_invalid
  (component
    (component (import "a" (instance $a)) (alias export $a "f" (func))))
  "instance 0 has no func export named \"f\"")
(assert_invalid
  (component
    (import "f" (func $f))
    (component $c (import "a" (instance $a)) (alias export $a "f" (func)))
    (instance $a (export "f" (func $f)))
    (instance (instantiate $c (with "a" (instance $a)))))
  "instance 0 has no func export named \"f\"")
(assert_invalid
  (component
    (import "r" (type $r (sub resource)))
    (component $c
      (import "a" (type $a (sub resource)))
      (import "b" (type $b (sub resource)))
      (import "f" (func $f (param "x" (own $a))))
      (component $d
        (import "r" (type $r (sub resource)))
        (import "f" (func (param "x" (own $r)))))
      (instance (instantiate $d (with "r" (type $b)) (with "f" (func $f)))))
    (import "f" (func $f (param "x" (own $r))))
    (instance (instantiate $c (with "a" (type $r)) (with "b" (type $r)) (with "f" (func $f)))))
  "resource types are not the same")

;; components for types of components

(component definition
  (component $c (import "f" (func)) (export "g" (func 0)))
  (component $d (import "c" (component (import "f" (func)) (import "more" (func)) (export "g" (func)))))
  (instance (instantiate $d (with "c" (component $c)))))
(assert_invalid
  (component
    (component $c (import "f" (func)) (import "more" (func)))
    (component $d (import "c" (component (import "f" (func)))))
    (instance (instantiate $d (with "c" (component $c)))))
  "missing import named \"more\"")
(assert_invalid
  (component
    (component $c)
    (component $d (import "c" (component (export "g" (func)))))
    (instance (instantiate $d (with "c" (component $c)))))
  "missing expected export \"g\"")
(assert_invalid
  (component
    (component $c (import "f" (func (param "x" u8))))
    (component $d (import "c" (component (import "f" (func (param "x" u16))))))
    (instance (instantiate $d (with "c" (component $c)))))
  "expected u8, found u16")

;; a component that is known by its type is instantiated by its type, with resources of its own each time

(assert_invalid
  (component
    (component
      (import "c" (component $c (export "r" (type (sub resource)))))
      (instance $i (instantiate $c))
      (instance $j (instantiate $c))
      (component $same (import "a" (type $a (sub resource))) (import "b" (type (eq $a))))
      (instance (instantiate $same (with "a" (type $i "r")) (with "b" (type $j "r"))))))
  "resource types are not the same")
(component
  (component $maker
    (core module $m (func (export "f") (result i32) i32.const 7))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $user
    (import "c" (component $c (export "f" (func (result u32)))))
    (instance $i (instantiate $c))
    (export "f" (func $i "f")))
  (instance $i (instantiate $user (with "c" (component $maker))))
  (export "f" (func $i "f")))
(assert_return (invoke "f") (u32.const 7))

;; core modules for types of core modules

(component
  (core module $m (func (export "f") (result i32) i32.const 9) (global (export "unused") i32 (i32.const 0)))
  (component $c
    (import "m" (core module $m (import "not" "needed" (func)) (export "f" (func (result i32)))))
    (core module $n (func (export "needed")))
    (core instance $n (instantiate $n))
    (core instance $i (instantiate $m (with "not" (instance $n))))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $i (instantiate $c (with "m" (core module $m))))
  (export "f" (func $i "f")))
(assert_return (invoke "f") (u32.const 9))
(assert_invalid
  (component
    (core module $m (import "a" "f" (func)))
    (component $c (import "m" (core module)))
    (instance (instantiate $c (with "m" (core module $m)))))
  "missing expected import \"a::f\"")
(assert_invalid
  (component
    (core module $m (import "a" "f" (func (param i32))))
    (component $c (import "m" (core module (import "a" "f" (func (param i64))))))
    (instance (instantiate $c (with "m" (core module $m)))))
  "type mismatch in import \"a::f\"")
(assert_invalid
  (component
    (core module $m (memory (export "m") 1))
    (component $c (import "m" (core module (export "m" (memory 2)))))
    (instance (instantiate $c (with "m" (core module $m)))))
  "mismatch in memory limits")
(assert_invalid
  (component
    (component
      (import "m" (core module $m (export "f" (func))))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f")))))
  "lowered function has type () -> (), expected () -> (i32)")

;; what an export states is all that others see, of a resource too (which wasm-tools 1.263 does not let it state)

(assert_invalid
  (component
    (import "f" (func $f))
    (instance $i (export "f" (func $f)))
    (export $e "i" (instance $i) (instance))
    (alias export $e "f" (func)))
  "has no func export named \"f\"")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (export $a "a" (type $r) (type (sub resource)))
    (component $same (import "a" (type $a (sub resource))) (import "b" (type (eq $a))))
    (instance (instantiate $same (with "a" (type $r)) (with "b" (type $a)))))
  "resource types are not the same")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (export $a "a" (type $r) (type (sub resource)))
    (core func (canon resource.rep $a)))
  "is not a local resource type")

;; …and behaves as what it is

(component
  (type $r (resource (rep i32)))
  (export $a "a" (type $r) (type (sub resource)))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $a))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "f") (result i32) (local i32 i32)
      (local.set 0 (call $new (i32.const 42)))
      (local.set 1 (call $rep (local.get 0)))
      (call $drop (local.get 0))
      (local.get 1)))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 42))

;; a type of instances is given for another if what is of the one is of the other

(component definition
  (component $c
    (type $t (instance (export "f" (func))))
    (import "t" (type (eq $t))))
  (type $t (instance (export "f" (func))))
  (instance (instantiate $c (with "t" (type $t)))))
(assert_invalid
  (component
    (component $c
      (type $t (instance (export "f" (func)) (export "g" (func))))
      (import "t" (type (eq $t))))
    (type $t (instance (export "f" (func))))
    (instance (instantiate $c (with "t" (type $t)))))
  "missing expected export \"g\"")

;; what differs is said, however deep it is

(assert_invalid
  (component
    (component $c
      (type $r (record (field "a" (list (option u8)))))
      (import "r" (type $named (eq $r))))
    (type $r (record (field "a" (list (option u16)))))
    (instance (instantiate $c (with "r" (type $r)))))
  "import \"r\": in field \"a\": in its elements: in its value: expected u8, found u16")
(assert_invalid
  (component
    (component $c (type $v (variant (case "a") (case "b" u8))) (import "v" (type (eq $v))))
    (type $v (variant (case "a") (case "b")))
    (instance (instantiate $c (with "v" (type $v)))))
  "in case \"b\": expected u8, found nothing")
(assert_invalid
  (component
    (component $c (type $e (enum "a" "b")) (import "e" (type (eq $e))))
    (type $e (enum "a" "c"))
    (instance (instantiate $c (with "e" (type $e)))))
  "expected label named \"b\", found \"c\"")
(assert_invalid
  (component
    (component $c (import "f" (func (param "x" (tuple u8 (result string (error (list u8))))))))
    (import "f" (func $f (param "x" (tuple u8 (result string (error (list u8 4)))))))
    (instance (instantiate $c (with "f" (func $f)))))
  "in parameter \"x\": in element \"1\": in its error: expected a list of any elements, found 4")

;; what this engine does not support stands in nobody's way where it is not used

(component
  (component
    (import "f" (func $f (param "x" string)))
    (core module $m (memory (export "m") i64 1))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "m"))))))
