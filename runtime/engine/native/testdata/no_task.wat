;; A destructor that polls, which is fine, and one that asks for its task, of which there is none.
;; Made by: wasm-tools parse no_task.wat -o no_task.wasm
(component
  (component $owner
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $new-set (canon waitable-set.new))
    (core func $poll (canon waitable-set.poll (memory (core memory $memory "memory"))))
    (core func $cancel (canon task.cancel))
    (core module $m
      (import "" "new-set" (func $new-set (result i32)))
      (import "" "poll" (func $poll (param i32 i32) (result i32)))
      (import "" "cancel" (func $cancel))
      (func (export "dtor") (param i32)
        (if (local.get 0) (then (call $cancel)))
        (if (call $poll (call $new-set) (i32.const 0)) (then unreachable)))
    )
    (core instance $m (instantiate $m (with "" (instance
      (export "new-set" (func $new-set))
      (export "poll" (func $poll))
      (export "cancel" (func $cancel))
    ))))
    (type $r (resource (rep i32) (dtor (core func $m "dtor"))))
    (core func $new (canon resource.new $r))
    (core module $make
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
    (core instance $make (instantiate $make (with "" (instance (export "new" (func $new))))))
    (export $r' "r" (type $r))
    (func (export "make") (param "x" u32) (result (own $r')) (canon lift (core func $make "make")))
  )
  (instance $owner (instantiate $owner))
  (component $user
    (import "owner" (instance $owner
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "x" u32) (result (own $r))))))
    (alias export $owner "r" (type $r))
    (core func $make (canon lower (func $owner "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32) (call $drop (call $make (local.get 0)))))
    (core instance $m (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (param "x" u32) (canon lift (core func $m "run")))
  )
  (instance $user (instantiate $user (with "owner" (instance $owner))))
  (func (export "run") (alias export $user "run"))
)
