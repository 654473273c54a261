;; Types that others have to refer to have names.

(component definition
  (type $r (record (field "x" u32)))
  (import "r" (type $named (eq $r)))
  (import "f" (func (param "a" (list (option $named))) (result (tuple $named $named)))))

(assert_invalid
  (component (type $r (record (field "x" u32))) (import "f" (func (param "a" $r))))
  "func not valid to be used as import")
(assert_invalid
  (component (type $r (record (field "x" u32))) (import "r" (type (eq $r))) (import "f" (func (param "a" $r))))
  "func not valid to be used as import")
(assert_invalid
  (component (type $e (enum "x")) (import "f" (func (result (option (stream $e))))))
  "func not valid to be used as import")
(assert_invalid
  (component (type $v (variant (case "x"))) (import "f" (func (result (tuple (future (list $v)))))))
  "func not valid to be used as import")
(assert_invalid
  (component (type $f (flags "x")) (type $r (record (field "f" $f))) (import "r" (type (eq $r))))
  "type not valid to be used as import")

;; structural types need none

(component definition
  (import "f" (func (param "a" (tuple u8 (list string))) (result (result (option char) (error f64))))))

;; exports may use the names of imports, but imports not those of exports

(component definition
  (import "r" (type $r (sub resource)))
  (import "f" (func $f (result (own $r))))
  (export "g" (func $f)))
(assert_invalid
  (component
    (type $e (enum "x"))
    (export $named "e" (type $e))
    (import "f" (func (param "a" $named))))
  "func not valid to be used as import")

;; a stated type counts

(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (type $e (enum "x"))
    (func $f (result $e) (canon lift (core func $i "f")))
    (export $named "e" (type $e))
    (export "f" (func $f)))
  "func not valid to be used as export")
(component
  (core module $m (func (export "f") (result i32) i32.const 1))
  (core instance $i (instantiate $m))
  (type $e (enum "x" "y"))
  (func $f (result $e) (canon lift (core func $i "f")))
  (export $named "e" (type $e))
  (export "f" (func $f) (func (result $named))))
(assert_return (invoke "f") (enum.const "y"))

;; what stands in an instance counts where there is one

(component definition
  (type (instance (type $e (enum "x")) (export "f" (func (param "a" $e))))))
(assert_invalid
  (component
    (import "i" (instance (type $e (enum "x")) (export "f" (func (param "a" $e))))))
  "instance not valid to be used as import")
(component definition
  (import "i" (instance $i (type $e (enum "x")) (export "e" (type $named (eq $e))) (export "f" (func (param "a" $named)))))
  (alias export $i "e" (type $e))
  (import "g" (func (param "a" $e))))
(assert_invalid
  (component
    (component $c (type $e (enum "x")) (export "e" (type $e)))
    (instance $i (instantiate $c))
    (alias export $i "e" (type $e))
    (export "t" (type $e))
    (import "f" (func (param "a" $e))))
  "func not valid to be used as import")

;; in a component that is never used, and in the type of one

(assert_invalid
  (component (component (type $e (enum "x")) (import "f" (func (param "a" $e)))))
  "func not valid to be used as import")
(assert_invalid
  (component (type (component (type $e (enum "x")) (import "f" (func (param "a" $e))))))
  "func not valid to be used as import")

;; names do not reach into components inside

(assert_invalid
  (component
    (type $e (enum "x"))
    (import "e" (type $named (eq $e)))
    (component (import "f" (func (param "a" $named)))))
  "func not valid to be used as import")
