import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { call, inIsolate } from "./_testing.ts";
import { nativeEngine } from "./mod.ts";

class Thing {
  disposed = 0;
  [Symbol.dispose](): void {
    this.disposed++;
  }
}

/** A host with things, which keeps all that it has made, and those that guests have given it. */
function world() {
  const made: Thing[] = [];
  const taken: unknown[] = [];
  const make = () => {
    const thing = new Thing();
    made.push(thing);
    return thing;
  };
  const take = (...values: unknown[]): void => {
    taken.push(...values);
  };
  const pair = (): [string, Thing] => ["there is no room for it", make()];
  return { made, taken, things: { Thing, make, take, takeAll: take, takeEither: take, pair } };
}

const CORE = `
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $mem))
  (alias core export $m "realloc" (core func $realloc))`;

const IMPORTS = `
  (import "test:it/things" (instance $things
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (result (own $thing))))
    (export "take" (func (param "thing" (own $thing)) (param "name" string)))
    (export "take-all" (func (param "things" (list (own $thing)))))
    (export "take-either" (func (param "thing" (result (own $thing) (error char)))
      (param "other" (result (own $thing) (error char)))))
    (export "pair" (func (result (tuple string (own $thing)))))))
  (alias export $things "thing" (type $thing))
  (core func $make (canon lower (func $things "make")))
  (core func $take (canon lower (func $things "take") (memory $mem)))
  (core func $take-all (canon lower (func $things "take-all") (memory $mem)))
  (core func $take-either (canon lower (func $things "take-either") (memory $mem)))
  (core func $pair (canon lower (func $things "pair") (memory $mem) (realloc $realloc)))
  (core instance $host
    (export "make" (func $make)) (export "take" (func $take)) (export "take-all" (func $take-all))
    (export "take-either" (func $take-either)) (export "pair" (func $pair)))`;

const GUEST = `(component ${CORE} ${IMPORTS}
  (core module $guest
    (import "host" "make" (func $make (result i32)))
    (import "host" "take" (func $take (param i32 i32 i32)))
    (import "host" "take-all" (func $take-all (param i32 i32)))
    (import "host" "take-either" (func $take-either (param i32 i32 i32 i32)))
    (import "host" "pair" (func $pair (param i32)))
    (import "m" "memory" (memory 1))
    (func (export "string") (call $take (call $make) (i32.const 0) (i32.const 70000)))
    (func (export "list")
      (i32.store (i32.const 16) (call $make))
      (i32.store (i32.const 20) (call $make))
      (i32.store (i32.const 24) (i32.const 77))
      (call $take-all (i32.const 16) (i32.const 3)))
    (func (export "either") (call $take-either (i32.const 0) (call $make) (i32.const 1) (i32.const 0xd800)))
    (func (export "result") (call $pair (i32.const 0)))
    (func (export "given") (call $take (call $make) (i32.const 0) (i32.const 3))))
  (core instance $g (instantiate $guest (with "host" (instance $host)) (with "m" (instance $m))))
  (func (export "string") (canon lift (core func $g "string")))
  (func (export "list") (canon lift (core func $g "list")))
  (func (export "either") (canon lift (core func $g "either")))
  (func (export "result") (canon lift (core func $g "result")))
  (func (export "given") (canon lift (core func $g "given"))))`;

/** One that gives a thing and a string to another, whose allocator traps. */
const TWO = `(component
  (import "test:it/things" (instance $things
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (result (own $thing))))))
  (alias export $things "thing" (type $thing))
  (component $taker
    (import "thing" (type $thing (sub resource)))
    ${CORE}
    (core module $callee (func (export "take") (param i32 i32 i32)))
    (core instance $c (instantiate $callee))
    (func (export "take") (param "name" string) (param "thing" (own $thing))
      (canon lift (core func $c "take") (memory $mem) (realloc $realloc))))
  (instance $taker (instantiate $taker (with "thing" (type $thing))))
  (component $giver
    (import "thing" (type $thing (sub resource)))
    (import "make" (func $make (result (own $thing))))
    (import "take" (func $take (param "name" string) (param "thing" (own $thing))))
    ${CORE}
    (core func $make' (canon lower (func $make)))
    (core func $take' (canon lower (func $take) (memory $mem)))
    (core module $caller
      (import "host" "make" (func $make (result i32)))
      (import "host" "take" (func $take (param i32 i32 i32)))
      (func (export "f") (call $take (i32.const 0) (i32.const 3) (call $make))))
    (core instance $g (instantiate $caller
      (with "host" (instance (export "make" (func $make')) (export "take" (func $take'))))))
    (func (export "string") (canon lift (core func $g "f"))))
  (instance $giver (instantiate $giver
    (with "thing" (type $thing)) (with "make" (func $things "make")) (with "take" (func $taker "take"))))
  (export "string" (func $giver "string")))`;

/** What became of what the host made for a function that a guest exports. */
async function ran(text: string, name: string) {
  const { made, taken, things } = world();
  const bytes = new Uint8Array(await parse(text));
  const linked = await (await nativeEngine.load(bytes, { name: "it" })).link({ "test:it/things": things });
  const outcome = await inIsolate(linked, (isolate) => {
    return call(isolate, name).then(() => "returned", (error: Error) => error.message);
  });
  return { outcome, taken, disposed: made.map(({ disposed }) => disposed) };
}

Deno.test("what a guest gives away in a call that traps over another value is dropped, once", async () => {
  expect(await ran(GUEST, "string")).toEqual({
    outcome: expect.stringContaining("out of bounds"),
    taken: [],
    disposed: [1],
  });
  expect(await ran(GUEST, "list")).toEqual({
    outcome: expect.stringContaining("unknown handle index 77"),
    taken: [],
    disposed: [1, 1],
  });
  expect(await ran(GUEST, "either")).toEqual({
    outcome: expect.stringContaining("invalid char"),
    taken: [],
    disposed: [1],
  });
});

Deno.test("what the host gives a guest that has no room for the rest of it is dropped, once", async () => {
  expect(await ran(GUEST, "result")).toEqual({
    outcome: expect.stringContaining("unreachable"),
    taken: [],
    disposed: [1],
  });
});

Deno.test("what one component gives another that cannot take the rest of it is dropped, once", async () => {
  expect(await ran(TWO, "string")).toEqual({
    outcome: expect.stringContaining("unreachable"),
    taken: [],
    disposed: [1],
  });
});

Deno.test("what the host was given is the host's", async () => {
  const { outcome, taken, disposed } = await ran(GUEST, "given");
  expect([outcome, disposed]).toEqual(["returned", [0]]);
  expect(taken).toEqual([expect.any(Thing), "\0\0\0"]);
});
