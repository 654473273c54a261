;; What may be taken from outside.

(component definition $c
  (core module $m)
  (component $d)
  (type $t (record (field "x" u32)))
  (component
    (alias outer $c $m (core module))
    (alias outer $c $d (component))
    (alias outer $c $t (type))))

;; a resource only by way of an import

(assert_invalid
  (component $c (type $r (resource (rep i32))) (component (alias outer $c $r (type))))
  "transitively refers to resources")
(assert_invalid
  (component $c (import "r" (type $r (sub resource))) (component (alias outer $c $r (type))))
  "transitively refers to resources")
(assert_invalid
  (component $c
    (type $r (resource (rep i32)))
    (type $f (func (param "x" (list (own $r)))))
    (component (component (alias outer $c $f (type)))))
  "transitively refers to resources")
(assert_invalid
  (component $c
    (type $r (resource (rep i32)))
    (type $t (instance (export "r" (type (eq $r)))))
    (component (alias outer $c $t (type))))
  "transitively refers to resources")

;; types that have resources of their own are whole in themselves

(component definition $c
  (type $t (instance (export "r" (type $r (sub resource))) (export "f" (func (result (own $r))))))
  (component (import "i" (instance (type $t)))))

;; into a type, but not further

(component definition $c
  (type $r (resource (rep i32)))
  (type (instance (export "r" (type (eq $r))))))
(assert_invalid
  (component $c
    (type $r (resource (rep i32)))
    (component (type (instance (alias outer $c $r (type))))))
  "transitively refers to resources")

;; only what is there already, used or not

(assert_invalid
  (component $c (component (alias outer 1 0 (type))) (type u8))
  "unknown type 0")
(assert_invalid
  (component (component (alias outer 7 0 (type))))
  "invalid outer alias count of 7")

;; in types of core modules, too

(component definition $c
  (core type $f (func (param i32)))
  (core type (module (alias outer $c $f (type $g)) (import "a" "b" (func (type $g))))))
(assert_invalid
  (component (core type (module (alias outer 1 0 (type)))))
  "unknown core type 0")
(assert_invalid
  (component (core type (module (alias outer 3 0 (type)))))
  "invalid outer alias count of 2")

;; imports cannot be resources that only the component itself knows

(assert_invalid
  (component (type $r (resource (rep i32))) (import "r" (type (eq $r))))
  "refers to a resource of the component itself")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (export $r' "r" (type $r))
    (import "i" (instance (export "j" (instance (export "r" (type (eq $r'))))))))
  "refers to a resource of the component itself")
(component definition
  (import "r" (type $r (sub resource)))
  (import "i" (instance (export "j" (instance (export "r" (type (eq $r))))))))
