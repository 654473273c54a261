;; A core module is imported: valid, and more than jco's transpiler takes.
;; wasm-tools parse runtime/engine/jco/testdata/core_import.wat -o runtime/engine/jco/testdata/core_import.wasm
(component
  (import "m" (core module $m (export "f" (func))))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "g" (func $f)))
