import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { inIsolate } from "./_testing.ts";
import { elaborate } from "./elaborate.ts";
import { createNativeEngine, nativeEngine, ROOT } from "./mod.ts";
import type { HostImports } from "../mod.ts";

async function linked(text: string | Uint8Array<ArrayBuffer>, host: HostImports = {}, engine = nativeEngine) {
  const bytes = typeof text === "string" ? new Uint8Array(await parse(`(component ${text})`)) : text;
  return await (await engine.load(bytes, { name: "it" })).link(host);
}

/** What a component exports by itself, in a new isolate. */
async function exported(text: string | Uint8Array<ArrayBuffer>, host: HostImports = {}) {
  return await inIsolate(await linked(text, host), (isolate) => Promise.resolve(isolate.values));
}

/** A function that greets: it puts a string behind "Hello, ", and counts in a global how often it was called. */
const GREET = `
  (core module $m
    (memory (export "m") 1)
    (global $next (mut i32) (i32.const 1024))
    (global $calls (mut i32) (i32.const 0))
    (data (i32.const 16) "Hello, ")
    (func $realloc (export "r") (param i32 i32 i32 i32) (result i32)
      (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3))))
    (func (export "greet") (param i32 i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (memory.copy (i32.const 23) (local.get 0) (local.get 1))
      (i32.store (i32.const 8) (i32.const 16))
      (i32.store (i32.const 12) (i32.add (i32.const 7) (local.get 1)))
      (i32.const 8))
    (func (export "calls") (result i32) (global.get $calls)))
  (core instance $i (instantiate $m))
  (func $greet (param "name" string) (result string) (canon lift (core func $i "greet")
    (memory (core memory $i "m")) (realloc (core func $i "r"))))
  (func $calls (result u32) (canon lift (core func $i "calls")))`;

Deno.test("a start function is called as the component is instantiated, with values, and its result is exported", async () => {
  const text = `
    (import "name" (value $name string))
    ${GREET}
    (start $greet (value $name) (result (value $greeting)))
    (start $calls (result (value $count)))
    (export "the-greeting" (value $greeting))
    (export "count" (value $count))
    (export "greet" (func $greet))
    (export "calls" (func $calls))`;
  for (const restore of [true, false]) {
    const component = await linked(text, { name: { default: "Skerry" } }, createNativeEngine({ restore }));
    // In each isolate once, whether its core instances are new or restored.
    for (let round = 0; round < 3; round++) {
      await inIsolate(component, async (isolate) => {
        expect(isolate.values).toEqual({ [ROOT]: { theGreeting: "Hello, Skerry", count: 1 } });
        expect(await isolate.exports[ROOT]!["greet"]!("again")).toBe("Hello, again");
        expect(await isolate.exports[ROOT]!["calls"]!()).toBe(2);
      });
    }
  }
});

Deno.test("a start function may be the host's, may wait, and may fail", async () => {
  const text = (type: string) => `
    (import "make" (func $make (result ${type})))
    (start $make (result (value $made)))
    (export "made" (value $made))`;
  const later = (value: unknown) => async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return value;
  };
  expect(await exported(text("u32"), { make: { default: later(7) } })).toEqual({ [ROOT]: { made: 7 } });
  const fails = () => {
    throw Object.assign(new Error("no"), { payload: "why" });
  };
  await expect(exported(text("u32"), { make: { default: fails } })).rejects.toThrow("no");
});

Deno.test("a start function whose guest waits is waited for, and one that traps ends the isolate", async () => {
  const text = `
    (import "nap" (func $nap))
    (core func $nap' (canon lower (func $nap)))
    (core module $m
      (import "" "nap" (func $nap))
      (func (export "run") (result i32) (call $nap) (i32.const 5))
      (func (export "fail") unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "nap" (func $nap'))))))
    (func $run (result u32) (canon lift (core func $i "run")))
    (func $fail (canon lift (core func $i "fail")))
    (start $run (result (value $v)))`;
  let naps = 0;
  const host = {
    nap: {
      default: async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        naps++;
      },
    },
  };
  expect(await exported(`${text} (export "v" (value $v))`, host)).toEqual({ [ROOT]: { v: 5 } });
  expect(naps).toBe(1);
  await expect(exported(`${text} (start $fail) (export "v" (value $v))`, host)).rejects.toThrow("unreachable");
});

Deno.test("values go through the components of a component, and instances", async () => {
  const text = `
    (import "host:it/settings" (instance $settings (export "the-port" (value u16))))
    (alias export $settings "the-port" (value $port))
    (component $inner
      (import "port" (value $port u16))
      (export "same" (value $port)))
    (instance $i (instantiate $inner (with "port" (value $port))))
    (alias export $i "same" (value $same))
    (instance $out (export "port" (value $same)))
    (export "host:it/out" (instance $out))`;
  expect(await exported(text, { "host:it/settings": { thePort: 8080 } })).toEqual({ "host:it/out": { port: 8080 } });
  await expect(linked(text, { "host:it/settings": {} })).rejects.toThrow(
    "the host does not have host:it/settings#thePort, a value,",
  );
  await expect(linked(text)).rejects.toMatchObject({ code: "component-import-missing" });
});

/** What is wrong with values, and what is said of it. */
const WRONG: readonly (readonly [text: string, says: string])[] = [
  [`(import "v" (value u8))`, "value 0 was not used as part of an instantiation, start function, or export"],
  [
    `(import "v" (value $v u8)) (export "a" (value $v)) (export "b" (value $v))`,
    "value 0 cannot be used more than once",
  ],
  [
    `(import "v" (value $v u8)) (import "f" (func $f (param "a" u16))) (start $f (value $v))`,
    `the start function's parameter "a" is of another type than value 0`,
  ],
  [`(import "f" (func $f (param "a" u8))) (start $f)`, "a start function with 1 parameters is given 0 values"],
  [`(import "f" (func $f (result u8))) (start $f)`, "a start function with 1 results is said to have 0"],
  [
    `(import "v" (value $v u8)) (component $c (import "a" (value $a u16)) (export "b" (value $a)))
     (instance (instantiate $c (with "a" (value $v))))`,
    `type mismatch for import "a": expected u16, found u8`,
  ],
  [
    `(import "v" (value $v u8)) (component $c (import "a" (func)))
     (instance (instantiate $c (with "a" (value $v))))`,
    `type mismatch for import "a": expected func, found value`,
  ],
];

for (const [text, says] of WRONG) {
  Deno.test(`refused: ${says}`, async () => {
    // Not all of these get through the checks of the tool that assembles them.
    const bytes = new Uint8Array(await parse(`(component ${text})`));
    const load = () => elaborate(bytes, decodeComponent(bytes, "it"), "it");
    expect(load).toThrow(says);
    expect(load).toThrow(/ at offset 0x/);
  });
}

const section = (id: number, ...content: number[]) => [id, content.length, ...content];

/** A component that defines types, and constants of them, and exports these as `a`, `b`, … */
function constants(types: readonly (readonly number[])[], values: readonly (readonly number[])[]) {
  const sized = values.map(([type, ...value]) => [type!, value.length, ...value]);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
    ...section(7, types.length, ...types.flat()),
    ...section(12, values.length, ...sized.flat()),
    ...section(11, values.length, ...values.flatMap((_, i) => [0, 1, 0x61 + i, 2, i, 0])),
  ]);
}

/** The value of the first of some types that are built of each other. */
async function constant(type: readonly number[], value: readonly number[], ...before: (readonly number[])[]) {
  const found = await exported(constants([...before, type], [[before.length, ...value]]));
  return found![ROOT]!["a"];
}

Deno.test("constants are read as the binary format has them", async () => {
  const primitive = async (code: number, ...bytes: number[]) =>
    (await exported(constants([], [[code, ...bytes]])))![ROOT]!["a"];
  expect(await primitive(0x7f, 1)).toBe(true);
  expect(await primitive(0x7e, 0xff)).toBe(-1);
  expect(await primitive(0x7d, 0xff)).toBe(255);
  expect(await primitive(0x7c, 0x80, 0x80, 0x7e)).toBe(-32768);
  expect(await primitive(0x7b, 0xff, 0xff, 0x03)).toBe(65535);
  expect(await primitive(0x7a, 0x80, 0x80, 0x80, 0x80, 0x78)).toBe(-(2 ** 31));
  expect(await primitive(0x79, 0xff, 0xff, 0xff, 0xff, 0x0f)).toBe(2 ** 32 - 1);
  expect(await primitive(0x78, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f)).toBe(-(2n ** 63n));
  expect(await primitive(0x77, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)).toBe(2n ** 64n - 1n);
  expect(await primitive(0x76, 0, 0, 0x80, 0x3f)).toBe(1);
  expect(await primitive(0x76, 0, 0, 0xc0, 0x7f)).toBe(NaN);
  expect(await primitive(0x75, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)).toBe(NaN);
  expect(await primitive(0x74, 0xf0, 0x9f, 0x98, 0x80)).toBe("😀");
  expect(await primitive(0x73, 2, 0xc3, 0xa9)).toBe("é");
  const a = [1, 0x61], b = [1, 0x62], c = [1, 0x63];
  expect(await constant([0x70, 0x7d], [3, 1, 2, 3])).toEqual(new Uint8Array([1, 2, 3]));
  expect(await constant([0x70, 0x7b], [2, 1, 0x80, 2])).toEqual(new Uint16Array([1, 256]));
  expect(await constant([0x70, 0x73], [1, 1, 0x61])).toEqual(["a"]);
  expect(await constant([0x6f, 2, 0x7d, 0x7f], [7, 1])).toEqual([7, true]);
  expect(await constant([0x6b, 0x7d], [1, 9])).toBe(9);
  expect(await constant([0x6b, 0x7d], [0])).toBe(undefined);
  expect(await constant([0x6b, 0], [1, 0], [0x6b, 0x7d])).toEqual({ tag: "some", val: undefined });
  expect(await constant([0x6a, 1, 0x7d, 0], [0, 3])).toEqual({ tag: "ok", val: 3 });
  expect(await constant([0x6a, 1, 0x7d, 0], [1])).toEqual({ tag: "err", val: undefined });
  // Such types have to have a name.
  const named = async (type: readonly number[], value: readonly number[]) => {
    const bytes = [
      ...[0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
      ...section(7, 1, ...type),
      ...section(11, 1, 0, 1, 0x74, 3, 0, 0),
      ...section(12, 1, 1, value.length, ...value),
      ...section(11, 1, 0, 1, 0x61, 2, 0, 0),
    ];
    return (await exported(new Uint8Array(bytes)))![ROOT]!["a"];
  };
  expect(await named([0x72, 2, ...a, 0x7d, ...b, 0x7f], [5, 0])).toEqual({ a: 5, b: false });
  expect(await named([0x71, 2, ...a, 0, 0, ...b, 1, 0x7d, 0], [1, 8])).toEqual({ tag: "b", val: 8 });
  expect(await named([0x71, 2, ...a, 0, 0, ...b, 1, 0x7d, 0], [0])).toEqual({ tag: "a" });
  expect(await named([0x6d, 2, ...a, ...b], [1])).toBe("b");
  expect(await named([0x6e, 3, ...a, ...b, ...c], [0b101])).toEqual({ a: true, b: false, c: true });
});

Deno.test("a constant is nobody's to change for others", async () => {
  const component = await linked(constants([[0x70, 0x7d]], [[0, 1, 5]]));
  const read = () => inIsolate(component, (isolate) => Promise.resolve(isolate.values![ROOT]!["a"] as Uint8Array));
  (await read())[0] = 6;
  expect(await read()).toEqual(new Uint8Array([5]));
});

Deno.test("a constant that is none of its type is refused", async () => {
  const wrong: readonly (readonly [readonly (readonly number[])[], readonly number[], string])[] = [
    [[], [0x7f, 2], "invalid leading byte 0x02 for a boolean"],
    [[], [0x7d, 1, 1], "1 bytes left over in a value"],
    [[], [0x7d], "unexpected end"],
    [[], [0x7b, 0x80, 0x80, 0x04], "integer too large for 16 bits"],
    [[], [0x7c, 0x80, 0x80, 0x80, 0x00], "integer representation too long"],
    [[], [0x76, 1, 0, 0xc0, 0x7f], "a NaN that is not the canonical one"],
    [[], [0x74, 0xed, 0xa0, 0x80], "malformed UTF-8 encoding in a character"],
    [[[0x6d, 1, 1, 0x61]], [0, 1], "there is no case 1"],
    [[[0x66, 0]], [0, 0], "a value of type stream cannot be written down"],
    [[[0x40, 0, 1, 0]], [0, 0], "is not a defined type"],
    [[[0x70, 0x7d]], [0, 0xff, 0xff, 0xff, 0xff, 0x0f], "do not fit"],
  ];
  for (const [types, value, says] of wrong) {
    await expect(nativeEngine.load(constants(types, [value]), { name: "it" })).rejects.toThrow(says);
    await expect(nativeEngine.load(constants(types, [value]), { name: "it" })).rejects.toThrow(/ at offset 0x/);
  }
});
