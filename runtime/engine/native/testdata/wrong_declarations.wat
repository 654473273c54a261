;; Types of components and instances in which something makes no sense, each in its own way.
;; Made by: wasm-tools parse wrong_declarations.wat -o wrong_declarations.wasm (its parts are invalid)
(component
  (component (type $t (instance)) (type (component (import "a" (func (type $t))))))
  (component (type $t (func)) (type (instance (export "a" (instance (type $t))))))
  (component (core type $t (func)) (type (component (import "a" (core module (type $t))))))
  (component (type (instance (type $r (resource (rep i32))))))
  (component $c (core module $m) (type (component (alias outer $c $m (core module $a)))))
)
