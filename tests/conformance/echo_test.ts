/**
 * Values of generated types, sent through a component to its host and back, on each engine.
 *
 * @module
 */
import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { createJcoEngine } from "../../runtime/engine/jco/mod.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { Task } from "../../runtime/task.ts";
import { echoComponent, type EchoOptions, HOST } from "./echo_component.ts";
import { canonical, CHARS, PRIMITIVES, Random, randomType, randomValue, type WitType } from "./wit_types.ts";

const jco = createJcoEngine({ cacheDir: new URL("../../.skerry/jco/", import.meta.url) });

/** Sends values of each type; all must come back as they were, and the host must see them so. */
async function echo(
  engine: Engine,
  types: readonly WitType[],
  values: (type: WitType) => readonly unknown[],
  options: EchoOptions = {},
): Promise<void> {
  const component = await engine.load(echoComponent(types, options), { name: "echo" });
  let seen: unknown;
  const host = Object.fromEntries(types.map((_, i) => [`echo${i}`, (value: unknown) => {
    seen = canonical(value);
    return value;
  }]));
  const linked = await component.link({ [HOST]: host });
  for (let i = 0; i < types.length; i++) {
    const task = new Task({ function: "echo" });
    await withTask(task, async () => {
      const { exports } = await linked.instantiate();
      for (const value of values(types[i]!)) {
        const what = `${engine.name}, ${JSON.stringify(options)}: ${JSON.stringify(types[i])}`;
        const wanted = canonical(value);
        expect([what, canonical(await exports["$root"]![`echo${i}`]!(value))]).toEqual([what, wanted]);
        expect([what, seen]).toEqual([what, wanted]);
      }
    });
    task.end();
  }
}

/** A function's own result is thrown and not returned, so it is wrapped. */
const inside = (type: WitType): WitType => type.kind === "result" ? { kind: "tuple", types: [type] } : type;

const several = (random: Random, count: number) => (type: WitType) =>
  Array.from({ length: count }, () => randomValue(random, type));

Deno.test("native: values of random types come back as they were, in each encoding of strings", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const types = Array.from({ length: 10 }, () => inside(randomType(random, 4, true)));
    const encoding = (["utf8", "utf16", "latin1+utf16"] as const)[seed % 3]!;
    await echo(nativeEngine, types, several(random, 4), { encoding });
  }
});

Deno.test("native: so they do where the guest's memory is addressed by 64 bits", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const types = Array.from({ length: 10 }, () => inside(randomType(random, 4, true)));
    const encoding = (["utf8", "utf16", "latin1+utf16"] as const)[seed % 3]!;
    await echo(nativeEngine, types, several(random, 4), { encoding, wide: true });
  }
});

Deno.test("native and jco: the same values of the same random types come back as they were", async () => {
  // jco drops a byte order mark at the beginning of a string, and does not know latin1+utf16.
  const chars = CHARS.filter((char) => char !== "\ufeff");
  for (const engine of [nativeEngine, jco]) {
    for (const encoding of ["utf8", "utf16"] as const) {
      const random = new Random(7, chars);
      const types = Array.from({ length: 40 }, () => inside(randomType(random, 3)));
      await echo(engine, types, several(random, 4), { encoding });
    }
  }
});

Deno.test("native: lists of every primitive type come back, empty ones and large ones", async () => {
  const random = new Random(11);
  const types = PRIMITIVES.map((kind): WitType => ({ kind: "list", element: { kind } }));
  await echo(nativeEngine, types, (type) =>
    [0, 1, 10_000].map((length) => {
      const fixed = randomValue(random, { ...type as WitType & { kind: "list" }, length });
      return fixed;
    }));
});

Deno.test("native: a string of millions of characters comes back, in each encoding", async () => {
  for (const encoding of ["utf8", "utf16", "latin1+utf16"] as const) {
    const texts = ["a".repeat(2_000_000), "\xff".repeat(2_000_000), "\u{1f600}".repeat(500_000)];
    for (const wide of [false, true]) await echo(nativeEngine, [{ kind: "string" }], () => texts, { encoding, wide });
  }
});

Deno.test("native: types nested as deep as is allowed come back, and deeper ones are refused", async () => {
  let type: WitType = { kind: "u8" };
  for (let depth = 1; depth < 99; depth++) {
    type = depth % 2 === 0 ? { kind: "tuple", types: [type] } : { kind: "option", type };
  }
  let value: unknown = 5;
  for (let depth = 1; depth < 99; depth++) if (depth % 2 === 0) value = [value];
  await echo(nativeEngine, [type], () => [value]);
  for (let depth = 0; depth < 10; depth++) type = { kind: "tuple", types: [type] };
  await expect(nativeEngine.load(echoComponent([type]))).rejects.toThrow(/nesting is too deep at offset 0x/);
});

/** What a host may give that is of no type, or of another. */
const HOSTILE: readonly unknown[] = [
  ...[null, undefined, {}, [], "", "xx", "\ud800", 1n, -1, 2 ** 53, NaN, 1.5, true, Symbol("s"), () => 1, new Map()],
  ...[new Uint8Array(3), { tag: "nope" }, { tag: "ok" }, [1, 2, 3], { length: 2 ** 32 }, Object.create(null)],
  new Proxy({}, { get: () => 1 }),
];

Deno.test("native: a value of another type is coerced as JavaScript does, or refused with what was expected", async () => {
  const random = new Random(13);
  const types: WitType[] = PRIMITIVES.map((kind) => ({ kind }));
  for (let i = 0; i < 40; i++) types.push(inside(randomType(random, 2, true)));
  const component = await nativeEngine.load(echoComponent(types));
  const host = Object.fromEntries(types.map((_, i) => [`echo${i}`, (value: unknown) => value]));
  const linked = await component.link({ [HOST]: host });
  let refused = 0;
  for (let i = 0; i < types.length; i++) {
    for (const value of HOSTILE) {
      const task = new Task({ function: "echo" });
      await withTask(task, async () => {
        const { exports } = await linked.instantiate();
        try {
          await exports["$root"]![`echo${i}`]!(value);
        } catch (error) {
          refused++;
          expect(String(error)).toMatch(/^TypeError: expected (an? |one of )/);
        }
      });
      task.end();
    }
  }
  expect(refused).toBeGreaterThan(types.length);
});
