;; What the names of functions say about their types.

(component definition
  (import "file" (type $file (sub resource)))
  (import "[constructor]file" (func (param "path" string) (result (own $file))))
  (import "dir" (type $dir (sub resource)))
  (import "[constructor]dir" (func (result (result (own $dir) (error string)))))
  (import "[method]file.read" (func (param "self" (borrow $file)) (param "n" u32) (result u32)))
  (import "[static]file.open" (func (param "a" u32) (result (own $dir)))))

;; a resource under two names: each name has functions of its own

(component definition
  (import "a" (type $a (sub resource)))
  (import "b" (type $b (eq $a)))
  (import "[method]a.f" (func (param "self" (borrow $a))))
  (import "[method]b.f" (func (param "self" (borrow $b)))))

(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "b" (type $b (eq $a)))
    (import "[method]b.f" (func (param "self" (borrow $a)))))
  "it is of the resource \"a\"")

(assert_invalid
  (component (import "a" (type (sub resource))) (import "[constructor]a" (func)))
  "a constructor should return one value")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "[constructor]a" (func (result (option (own $a))))))
  "a constructor should return one value")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "[constructor]a" (func (result (result (error (own $a)))))))
  "a constructor should return one value")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "b" (type $b (sub resource)))
    (import "[constructor]a" (func (result (own $b)))))
  "it is of the resource \"b\"")

(assert_invalid
  (component (import "a" (type (sub resource))) (import "[method]a.f" (func)))
  "a first argument called `self`")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "[method]a.f" (func (param "this" (borrow $a)))))
  "a first argument called `self`")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "[method]a.f" (func (param "self" (own $a)))))
  "a first argument of `(borrow $T)`")
(assert_invalid
  (component (import "a" (type (sub resource))) (import "b" (type $b (sub resource)))
    (import "[method]a.f" (func (param "self" (borrow $b)))))
  "it is of the resource \"b\"")

(assert_invalid
  (component (import "[static]a.f" (func)))
  "there is no resource a before it")
(assert_invalid
  (component (import "a" (type $a (sub resource))) (import "[method]a" (func (param "self" (borrow $a)))))
  "is not a valid extern name")

;; imports and exports have names of their own

(assert_invalid
  (component
    (import "a" (type $a (sub resource)))
    (import "f" (func $f (param "self" (borrow $a))))
    (export "[method]a.f" (func $f)))
  "the resource in it has no name here")
(component definition
  (import "a" (type $a (sub resource)))
  (import "f" (func $f (param "self" (borrow $a))))
  (export $b "b" (type $a))
  (export "[method]b.f" (func $f) (func (param "self" (borrow $b)))))

;; in types of instances and components, used or not

(component definition
  (type (instance
    (export "a" (type $a (sub resource)))
    (export "[method]a.f" (func (param "self" (borrow $a)))))))
(assert_invalid
  (component
    (type (instance
      (export "a" (type $a (sub resource)))
      (export "[method]a.f" (func (param "self" (own $a)))))))
  "a first argument of `(borrow $T)`")
(assert_invalid
  (component
    (component
      (type (component
        (import "a" (type (sub resource)))
        (export "[static]a.f" (func))))))
  "there is no resource a before it")

;; an instance made of exports introduces no resource

(assert_invalid
  (component
    (import "a" (type $a (sub resource)))
    (import "f" (func $f (param "self" (borrow $a))))
    (instance (export "a" (type $a)) (export "[method]a.f" (func $f))))
  "the resource in it has no name here")
