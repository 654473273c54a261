;; What imported instances hold: instances, and resources that are the same.

(component
  (import "host" (instance $host
    (export "nested" (instance (export "return-four" (func (result u32)))))))
  (alias export $host "nested" (instance $nested))
  (core func $four (canon lower (func $nested "return-four")))
  (core module $m
    (import "" "four" (func $four (result i32)))
    (func (export "f") (result i32) (i32.add (call $four) (i32.const 1))))
  (core instance $i (instantiate $m (with "" (instance (export "four" (func $four))))))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 5))

(assert_unlinkable
  (component (import "host" (instance (export "nested" (instance (export "return-five" (func (result u32))))))))
  "the host does not have host#nested#return-five")
(assert_unlinkable
  (component (import "host" (instance (export "other" (instance (export "f" (func)))))))
  "the host does not have host#other")

;; empty ones need nothing of the host

(component (import "nobody" (instance (export "has" (instance (export "this" (instance)))))))

;; two instances of one type have resources of their own

(assert_invalid
  (component
    (import "x" (instance $x
      (type $t (instance (export "r" (type (sub resource)))))
      (export "a" (instance (type $t)))
      (export "b" (instance (type $t)))))
    (component $same (import "a" (type $a (sub resource))) (import "b" (type (eq $a))))
    (instance (instantiate $same (with "a" (type $x "a" "r")) (with "b" (type $x "b" "r")))))
  "resource types are not the same")

;; the host says what a resource is that is the same as another one, or nothing

(component
  (import "host" (instance
    (export "resource1" (type $r (sub resource)))
    (export "resource1-again" (type (eq $r)))
    (export "not-of-the-host" (type (eq $r))))))
(assert_unlinkable
  (component
    (import "host" (instance
      (export "resource1" (type $r (sub resource)))
      (export "resource2" (type (eq $r))))))
  "the host does not have host#resource2 as resource1")
