/**
 * A component of two, each with its own memory, allocator and handles, that leaves traces in all of them, and can tell.
 *
 * @module
 */

/** What it calls the host's resource and functions by. */
export const HOST = "test:interleaved/host";

const HOST_TYPE = `
    (export "thing" (type $thing (sub resource)))
    (export "[constructor]thing" (func (param "n" u32) (result (own $thing))))
    (export "[method]thing.later" (func (param "self" (borrow $thing)) (param "text" string) (result string)))
    (export "[static]thing.merge" (func (param "a" (own $thing)) (param "b" (own $thing)) (result (own $thing))))
    (export "wait" (func (param "n" u32) (result u32)))
    (export "maybe" (func (param "n" u32) (result (result u32 (error string)))))`;

/** A memory that a guest grows as it needs more, and a function that sums up all of it. */
const MEMORY = `
    (memory (export "m") 1 40)
    (global $top (mut i32) (i32.const 8192))
    (data (i32.const 256) "a text that is as long as the longest part of it")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $p) (local.get 3)))
      (if (i32.eq (local.get 3) (i32.const 27)) (then unreachable))
      (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.const 1)))))
      (local.get $p))
    (func (export "state") (result i64)
      (local $sum i64) (local $at i32)
      (local.set $sum (i64.extend_i32_u (i32.xor (global.get $top) (memory.size))))
      (loop $next
        (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.load (local.get $at))) (i64.const 1099511628211)))
        (br_if $next
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.mul (memory.size) (i32.const 65536)))))
      (local.get $sum))`;

const CALLS = ["new", "count", "drop", "uncount", "merge", "later", "get", "wait", "maybe", "poke", "grow", "trap"];

/** The component. All that it exports takes and gives a number, but for `state` and `inner-state`. */
export const WAT = `(component
  (import "${HOST}" (instance $host ${HOST_TYPE}))
  (component $counters
    (import "wait" (func $wait (param "n" u32) (result u32)))
    (core func $wait (canon lower (func $wait)))
    (core module $m
      (import "" "wait" (func $wait (param i32) (result i32)))
      ${MEMORY}
      (func (export "drop") (param i32)
        (i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (local.get 0)))
        (if (i32.eq (local.get 0) (i32.const 13)) (then (drop (call $wait (i32.const 12)))))
        (if (i32.eq (local.get 0) (i32.const 14)) (then unreachable)))
      (func (export "get") (param i32 i32 i32) (result i32)
        (i32.store (i32.const 104) (i32.add (i32.load (i32.const 104)) (local.get 2)))
        (drop (call $wait (local.get 0)))
        (i32.store (i32.const 108) (local.get 1))
        (i32.store (i32.const 112) (local.get 2))
        (if (i32.eq (local.get 0) (i32.const 15)) (then unreachable))
        (i32.const 108))
      (func (export "post") (param i32)
        (global.set $top (i32.add (global.get $top) (i32.const 1)))
        (if (i32.eq (i32.load (i32.const 112)) (i32.const 31)) (then unreachable))))
    (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait))))))
    (type $counter (resource (rep i32) (dtor (core func $i "drop"))))
    (core func $new (canon resource.new $counter))
    (export $counter' "counter" (type $counter))
    (core module $ctor
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "new") (param i32) (result i32) (call $new (local.get 0))))
    (core instance $ctor (instantiate $ctor (with "" (instance (export "new" (func $new))))))
    (func (export "[constructor]counter") (param "n" u32) (result (own $counter'))
      (canon lift (core func $ctor "new")))
    (func (export "[method]counter.get") (param "self" (borrow $counter')) (param "text" string) (result string)
      (canon lift (core func $i "get") (memory (core memory $i "m")) (realloc (core func $i "realloc"))
        (post-return (core func $i "post"))))
    (func (export "state") (result u64) (canon lift (core func $i "state"))))
  (instance $counters (instantiate $counters (with "wait" (func $host "wait"))))

  (component $app
    (import "host" (instance $host ${HOST_TYPE}))
    (import "counters" (instance $counters
      (export "counter" (type $counter (sub resource)))
      (export "[constructor]counter" (func (param "n" u32) (result (own $counter))))
      (export "[method]counter.get" (func (param "self" (borrow $counter)) (param "text" string) (result string)))
      (export "state" (func (result u64)))))
    (alias export $host "thing" (type $thing))
    (alias export $counters "counter" (type $counter))
    (core module $mem ${MEMORY})
    (core instance $mem (instantiate $mem))
    (alias core export $mem "m" (core memory $m))
    (alias core export $mem "realloc" (core func $realloc))
    (core func $new (canon lower (func $host "[constructor]thing")))
    (core func $later (canon lower (func $host "[method]thing.later") (memory $m) (realloc $realloc)))
    (core func $merge (canon lower (func $host "[static]thing.merge")))
    (core func $wait (canon lower (func $host "wait")))
    (core func $maybe (canon lower (func $host "maybe") (memory $m) (realloc $realloc)))
    (core func $drop (canon resource.drop $thing))
    (core func $count (canon lower (func $counters "[constructor]counter")))
    (core func $get (canon lower (func $counters "[method]counter.get") (memory $m) (realloc $realloc)))
    (core func $inner (canon lower (func $counters "state")))
    (core func $uncount (canon resource.drop $counter))
    (core module $main
      (import "mem" "m" (memory 1 40))
      (import "h" "new" (func $new (param i32) (result i32)))
      (import "h" "later" (func $later (param i32 i32 i32 i32)))
      (import "h" "merge" (func $merge (param i32 i32) (result i32)))
      (import "h" "wait" (func $wait (param i32) (result i32)))
      (import "h" "maybe" (func $maybe (param i32 i32)))
      (import "h" "drop" (func $drop (param i32)))
      (import "h" "count" (func $count (param i32) (result i32)))
      (import "h" "get" (func $get (param i32 i32 i32 i32)))
      (import "h" "inner" (func $inner (result i64)))
      (import "h" "uncount" (func $uncount (param i32)))
      (global $g (mut i32) (i32.const 7))
      (func (export "new") (param i32) (result i32)
        (global.set $g (i32.add (global.get $g) (local.get 0))) (call $new (local.get 0)))
      (func (export "count") (param i32) (result i32) (call $count (local.get 0)))
      (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1))
      (func (export "uncount") (param i32) (result i32) (call $uncount (local.get 0)) (i32.const 1))
      (func (export "merge") (param i32) (result i32)
        (call $merge (local.get 0) (i32.add (local.get 0) (i32.const 1))))
      ;; The lowest three bits are a handle, and all of it is the length of a text.
      (func (export "later") (param i32) (result i32)
        (i32.store (i32.const 80) (local.get 0))
        (call $later (i32.and (local.get 0) (i32.const 7)) (i32.const 256) (local.get 0) (i32.const 64))
        (i32.load (i32.const 68)))
      (func (export "get") (param i32) (result i32)
        (call $get (i32.and (local.get 0) (i32.const 7)) (i32.const 256) (local.get 0) (i32.const 64))
        (i32.load (i32.const 68)))
      (func (export "wait") (param i32) (result i32)
        (i32.store (i32.const 84) (local.get 0))
        (i32.add (call $wait (local.get 0)) (call $wait (i32.add (local.get 0) (i32.const 1)))))
      (func (export "maybe") (param i32) (result i32)
        (call $maybe (local.get 0) (i32.const 64)) (i32.load (i32.const 68)))
      (func (export "poke") (param i32) (result i32)
        (i32.store (i32.mul (local.get 0) (i32.const 997)) (i32.const -1)) (global.set $g (local.get 0)) (i32.const 0))
      (func (export "grow") (param i32) (result i32)
        (local $end i32)
        (local.set $end (i32.mul (memory.size) (i32.const 65536)))
        (local.set 0 (i32.and (local.get 0) (i32.const 3)))
        (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then (return (i32.const -1))))
        (memory.fill (local.get $end) (i32.const 5) (i32.mul (local.get 0) (i32.const 65536)))
        (memory.size))
      (func (export "trap") (param i32) (result i32) (unreachable))
      (func (export "inner-state") (result i64) (i64.add (i64.extend_i32_u (global.get $g)) (call $inner))))
    (core instance $main (instantiate $main (with "mem" (instance $mem)) (with "h" (instance
      ${
  ["new", "later", "merge", "wait", "maybe", "drop", "count", "get", "inner", "uncount"]
    .map((name) => `(export "${name}" (func $${name}))`).join(" ")
}))))
    ${
  CALLS.map((name) => `(func (export "${name}") (param "n" u32) (result u32) (canon lift (core func $main "${name}")))`)
    .join("\n    ")
}
    (func (export "inner-state") (result u64) (canon lift (core func $main "inner-state")))
    (func (export "state") (result u64) (canon lift (core func $mem "state"))))
  (instance $app (instantiate $app (with "host" (instance $host)) (with "counters" (instance $counters))))
  ${[...CALLS, "inner-state", "state"].map((name) => `(export "${name}" (func $app "${name}"))`).join("\n  ")})`;
