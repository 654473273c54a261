import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import type { HostImports } from "../mod.ts";
import { call, inIsolate } from "./_testing.ts";
import { nativeEngine } from "./mod.ts";

const binary = async (text: string) => new Uint8Array(await parse(text));

async function linkWith(text: string, host: HostImports) {
  return await (await nativeEngine.load(await binary(text), { name: "it" })).link(host);
}

/** Counts from what it is given as `start`. */
const COUNTER = await binary(`(module
  (import "env" "start" (func $start (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "next") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.add (call $start) (global.get $count))))`);

const MODULE_TYPE = `(core module
  (import "env" "start" (func (result i32)))
  (import "env" "more" (func))
  (export "next" (func (result i32))))`;

const USES_MODULE = `
  (core module $env (func (export "start") (result i32) i32.const 40) (func (export "more")))
  (core instance $env (instantiate $env))
  (core instance $counter (instantiate $counter (with "env" (instance $env))))
  (func (export "next") (result u32) (canon lift (core func $counter "next")))`;

Deno.test("a core module of the host's runs in each isolate, with what the component gives it", async () => {
  for (
    const [imported, host] of [
      [`(import "counter" ${MODULE_TYPE.replace("(core module", "(core module $counter")})`, { counter: COUNTER }],
      [
        `(import "counter" ${MODULE_TYPE.replace("(core module", "(core module $counter")})`,
        { counter: { default: COUNTER } },
      ],
      [
        `(import "it:has/modules@1.0.0" (instance $has (export "the-counter" ${MODULE_TYPE})))
         (alias export $has "the-counter" (core module $counter))`,
        { "it:has/modules@1.0.2": { theCounter: COUNTER } },
      ],
      [
        `(import "has" (instance $has (export "more" (instance (export "counter" ${MODULE_TYPE})))))
         (alias export $has "more" (instance $more))
         (alias export $more "counter" (core module $counter))`,
        { has: { more: { counter: COUNTER } } },
      ],
    ] as const
  ) {
    const linked = await linkWith(`(component ${imported} ${USES_MODULE})`, host as unknown as HostImports);
    for (let request = 0; request < 3; request++) {
      await inIsolate(linked, async (isolate) => {
        expect(await call(isolate, "next")).toBe(41);
        expect(await call(isolate, "next")).toBe(42);
      });
    }
  }
});

Deno.test("a component of the host's runs in each isolate, with what it imports", async () => {
  const given = await binary(`(component
    (import "start" (func $start (result u32)))
    (core func $start (canon lower (func $start)))
    (core module $m
      (import "" "start" (func $start (result i32)))
      (global $count (mut i32) (i32.const 0))
      (func (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.add (call $start) (global.get $count))))
    (core instance $i (instantiate $m (with "" (instance (export "start" (func $start))))))
    (func (export "next") (result u32) (canon lift (core func $i "next")))
    (func (export "other") (result u32) (canon lift (core func $i "next"))))`);
  const linked = await linkWith(
    `(component
      (import "start" (func $start (result u32)))
      (import "counter" (component $counter
        (import "start" (func (result u32)))
        (export "next" (func (result u32)))))
      (instance $a (instantiate $counter (with "start" (func $start))))
      (instance $b (instantiate $counter (with "start" (func $a "next"))))
      (export "next" (func $b "next")))`,
    { start: (() => 40) as never, counter: given as never },
  );
  for (let request = 0; request < 3; request++) {
    await inIsolate(linked, async (isolate) => {
      expect(await call(isolate, "next")).toBe(42);
      expect(await call(isolate, "next")).toBe(44);
    });
  }
});

Deno.test("a component says what it imports of the host, and that it lacks a part or has another one", async () => {
  const text = `(component (import "has" (instance $has (export "counter" ${MODULE_TYPE})))
    (alias export $has "counter" (core module $counter)) ${USES_MODULE})`;
  const { imports, exports, memory } = await nativeEngine.load(await binary(text), { name: "it" });
  expect(imports).toEqual([{ name: "has", functions: [] }]);
  expect(exports).toEqual([]);
  expect(memory).toEqual({ bytes: 0, memories: 0 });

  const problem = async (has: unknown) => {
    const error = await linkWith(text, { has } as HostImports).then(() => undefined, (error) => error);
    expect(error?.code).toBe("component-import-missing");
    return error.message;
  };
  expect(await problem({})).toContain("has#counter, the bytes of a core module,");
  expect(await problem({ counter: () => {} })).toContain("has#counter, the bytes of a core module,");
  expect(await problem({ counter: await binary("(module)") })).toContain(
    'the host\'s has#counter is not what the component imports: missing expected export "next"',
  );
  expect(
    await problem({
      counter: await binary('(module (import "a" "b" (func)) (func (export "next") (result i32) i32.const 1))'),
    }),
  ).toContain('missing expected import "a::b"');
  expect(await problem({ counter: await binary("(component)") })).toContain(
    "it is a component, not a core module",
  );
  expect(await problem({ counter: new Uint8Array(3) })).toContain("its bytes are no WebAssembly binary");
});

Deno.test("a component of the host's that is not of the type is refused, and so is a malformed one", async () => {
  const text = `(component (import "c" (component $c (export "f" (func (result u32)))))
    (instance $i (instantiate $c)) (export "f" (func $i "f")))`;
  const problem = async (c: Uint8Array) => {
    const error = await linkWith(text, { c } as unknown as HostImports).then(() => undefined, (error) => error);
    return `${error?.code}: ${error?.message}`;
  };
  expect(await problem(await binary("(component)"))).toMatch(
    /^component-import-missing: .*missing expected export "f"/,
  );
  expect(await problem(new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 99, 0]))).toMatch(
    /^component-malformed: .*malformed section id 99 at offset 0x/,
  );
});
