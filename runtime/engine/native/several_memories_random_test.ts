/**
 * Random components of several memories, in modules with and without code, used by instances of others and handed on by
 * them: an instance that has served finds in them what a new one finds.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import type { LinkedComponent } from "../mod.ts";
import { random } from "../meter/testdata/random_module.ts";
import { call, inIsolate } from "./_testing.ts";
import { createNativeEngine } from "./mod.ts";

type Next = (below: number) => number;

/** What the instances that write can do with an address. */
const WRITES = ["poke", "fill", "init", "grow"] as const;
const ADDRESSES = [0, 4090, 40_000, 65_520];

interface Program {
  readonly text: string;
  readonly writers: number;
  /** How many ways there are to look into a memory. */
  readonly looks: number;
}

function writer(index: number, next: Next): string {
  const size = next(2) === 0 ? 0 : 600;
  return `(core module $writer${index} (import "" "m" (memory 1)) (export "m" (memory 0))
    (global $count (mut i32) (i32.const ${index + 1})) (data $passive "passive bytes")
    ${next(3) === 0 ? `(data (memory 0) (i32.const ${next(60_000)}) "of the writer")` : ""}
    (func (export "poke") (param i32)
      (i32.store (local.get 0) (global.get $count))
      (global.set $count (i32.add (global.get $count) (i32.const 1))))
    (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 9) (i32.const ${
    next(2) === 0 ? 16 : 9000
  })))
    (func (export "init") (param i32) (memory.init $passive (local.get 0) (i32.const 0) (i32.const 13)))
    (func (export "grow") (param i32) (drop (memory.grow (i32.and (local.get 0) (i32.const 1)))))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const ${8 * next(5000)}))
    (func (export "text") (param i32 i32))
    (func ${"(drop (i32.const 7))".repeat(size)}))`;
}

function program(next: Next): Program {
  const memories: string[] = [];
  const parts: string[] = [];
  for (let i = 0; i <= next(3); i++) {
    const both = next(2) === 0;
    parts.push(`(core module $memory${i} (memory (export "a") 1) ${both ? '(memory (export "b") 1)' : ""}
      ${next(2) === 0 ? `(data (memory 0) (i32.const ${next(60_000)}) "at first")` : ""})
      (core instance $memory${i} (instantiate $memory${i}))`);
    memories.push(`$memory${i} "a"`);
    if (both) memories.push(`$memory${i} "b"`);
  }
  const kinds = 1 + next(3);
  for (let i = 0; i < kinds; i++) parts.push(writer(i, next));
  const writers = 2 + next(5);
  for (let i = 0; i < writers; i++) {
    const memory = memories[next(memories.length)]!;
    parts.push(
      `(core instance $w${i} (instantiate $writer${next(kinds)} (with "" (instance (export "m" (memory ${memory}))))))
      ${
        WRITES.map((name) => `(func (export "${name}${i}") (param "at" u32) (canon lift (core func $w${i} "${name}")))`)
          .join("")
      }
      (func (export "text${i}") (param "text" string) (canon lift (core func $w${i} "text")
        (memory (core memory $w${i} "m")) (realloc (core func $w${i} "realloc"))))`,
    );
    if (next(2) === 0) memories.push(`$w${i} "m"`);
  }
  parts.push(`(core module $look (import "" "m" (memory 1)) (func (export "sum") (result i32)
    (local $at i32) (local $sum i32)
    (loop $on
      (local.set $sum (i32.mul (i32.xor (local.get $sum) (i32.load (local.get $at))) (i32.const 16777619)))
      (br_if $on (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 65536))))
    (i32.xor (local.get $sum) (memory.size))))`);
  memories.forEach((memory, i) => {
    parts.push(`(core instance $look${i} (instantiate $look (with "" (instance (export "m" (memory ${memory}))))))
      (func (export "sum${i}") (result u32) (canon lift (core func $look${i} "sum")))`);
  });
  return { text: `(component ${parts.join("\n")})`, writers, looks: memories.length };
}

/** What a request finds that looks, writes, and looks again. */
async function request(linked: LinkedComponent, { looks, writers }: Program, next: Next): Promise<unknown[]> {
  return await inIsolate(linked, async (isolate) => {
    const found: unknown[] = [];
    const look = async () => {
      for (let i = 0; i < looks; i++) found.push(await call(isolate, `sum${i}`));
    };
    await look();
    for (let i = next(6); i >= 0; i--) {
      const to = next(writers);
      const write = WRITES[next(4)]!;
      if (next(4) === 0) await call(isolate, `text${to}`, "x".repeat(1 + next(9000)));
      else if (write !== "grow" || next(4) === 0) {
        await call(isolate, `${write}${to}`, ADDRESSES[next(4)]! + (write === "grow" ? next(2) : 0)).catch(() =>
          found.push("a trap")
        );
      }
      if (found.at(-1) === "a trap") return found;
    }
    await look();
    return found;
  });
}

Deno.test("no request finds in any of several memories what others have written to them", async () => {
  let changed = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const made = program(random(seed));
    const bytes = new Uint8Array(await parse(made.text));
    const engine = createNativeEngine({ rangeCodeBytes: [0, 900, 1_000_000][seed % 3]! });
    const component = await engine.load(bytes, { name: `${seed}` });
    const served = await component.link({});
    for (let round = 1; round <= 5; round++) {
      const found = await request(served, made, random(seed * 100 + round));
      const anew = await request(await component.link({}), made, random(seed * 100 + round));
      expect([seed, round, ...found]).toEqual([seed, round, ...anew]);
      if (found.at(-1) !== "a trap" && `${found.slice(0, made.looks)}` !== `${found.slice(-made.looks)}`) changed++;
    }
  }
  // Of requests that leave all as it was, nothing could be found.
  expect(changed).toBeGreaterThan(100);
});
