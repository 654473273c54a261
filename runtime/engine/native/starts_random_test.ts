/**
 * Random components whose modules run code as they are instantiated, on memories and globals of their own and of others,
 * with modules among them that are made only when they are called: an instance that has served is as a new one.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import type { HostImports, LinkedComponent } from "../mod.ts";
import { random } from "../meter/testdata/random_module.ts";
import { call, inIsolate } from "./_testing.ts";
import { elaborate } from "./elaborate.ts";
import { prepare } from "./load.ts";
import { createNativeEngine } from "./mod.ts";

type Next = (below: number) => number;

interface Program {
  readonly text: string;
  /** What a request can call: with an address, and to look at what there is. */
  readonly writes: readonly string[];
  readonly looks: readonly string[];
}

/** Multiples of four within the first page, near each other and far apart. */
function address(next: Next): number {
  return next(2) === 0 ? 4 * next(8) : 4 * next(16_384);
}

/** The name under which each instance exports a function that writes. */
const WRITES = ["poke", "far", "fill", "grow"];

/** A module that writes to the memory that it imports, and to globals: its own, and perhaps another's. */
function writer(index: number, next: Next, globals: boolean): string {
  const statement = (): string => {
    switch (next(10)) {
      case 0:
        return `(call $other (i32.const ${address(next)}))`;
      case 1:
        return globals ? `(global.set $theirs (i32.add (global.get $theirs) (i32.const ${next(9)})))` : "";
      case 2:
        return `(memory.fill (i32.const ${address(next) >> 1}) (i32.const ${next(256)}) (i32.const ${next(5000)}))`;
      case 3:
        return `(memory.init $passive (i32.const ${address(next) >> 1}) (i32.const 0) (i32.const 13))`;
      case 4:
        return `(memory.copy (i32.const ${address(next) >> 1}) (i32.const ${address(next) >> 1}) (i32.const 500))`;
      case 5:
        return next(6) === 0 ? "(drop (memory.grow (i32.const 1)))" : "(global.set $count (memory.size))";
      case 6:
        return next(6) === 0 ? "(global.set $count (call $ask))" : "";
      case 7:
        return next(6) === 0 ? "(call_indirect (param i32) (i32.const 64) (i32.const 0))" : "(call $again)";
      default:
        return `(call $poke (i32.const ${address(next)}))`;
    }
  };
  const body = () => Array.from({ length: 1 + next(4) }, statement).join("\n");
  const start = next(4) === 0 ? "" : `(start $start)`;
  return `(core module $writer${index} (import "" "m" (memory 1))
    (import "" "other" (func $other (param i32))) (import "" "ask" (func $ask (result i32)))
    ${globals ? '(import "" "g" (global $theirs (mut i32)))' : ""}
    (global $count (export "g") (mut i32) (i32.const ${
    index + 1
  })) (data $passive "passive bytes") (export "m" (memory 0))
    (global $left (mut i32) (i32.const 2))
    (table 1 1 funcref) (elem (i32.const 0) $other)
    ${next(3) === 0 ? `(data (memory 0) (i32.const ${next(60_000)}) "of the writer")` : ""}
    (func $poke (export "poke") (param i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (global.get $count)))
      (global.set $count (i32.add (global.get $count) (i32.const 1))))
    (func (export "far") (param i32) (call $other (local.get 0)))
    (func (export "fill") (param i32) (memory.fill (i32.shr_u (local.get 0) (i32.const 1)) (i32.const 9) (i32.const 900)))
    (func (export "grow") (param i32) (drop (memory.grow (i32.const 1))))
    (func $again (if (i32.eqz (global.get $left)) (then (return)))
      (global.set $left (i32.sub (global.get $left) (i32.const 1))) ${body()})
    (func $start ${body()}) (func (export "begin") ${body()}) ${start}
    ${look("")}
    (func ${"(drop (i32.const 7))".repeat(next(2) * 600)}))`;
}

/** A function that sums up all that there is. */
function look(more: string): string {
  return `(func (export "sum") (result i32) (local $at i32) (local $sum i32)
    (loop $on
      (local.set $sum (i32.mul (i32.xor (local.get $sum) (i32.load (local.get $at))) (i32.const 16777619)))
      (br_if $on (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 65536))))
    ${more} (i32.mul (i32.xor (local.get $sum) (memory.size)) (i32.add (i32.const 1) (global.get $count))))`;
}

/** A module that is made only when it is needed. */
const LAZY = `(core module $lazy (memory (export "m") 1) (global $count (export "g") (mut i32) (i32.const 3))
  (func (export "poke") (param i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store (local.get 0) (global.get $count)))
  ${look("")})`;

function program(next: Next): Program {
  const parts: string[] = [LAZY];
  const memories: string[] = [], globals: string[] = [], functions: string[] = [];
  const writes: string[] = [], looks: string[] = [];
  const exported = (instance: string, names: readonly string[]) => {
    for (const name of names) {
      parts.push(
        `(func (export "${name}${instance}") (param "at" u32) (canon lift (core func $${instance} "${name}")))`,
      );
      writes.push(name + instance);
    }
    parts.push(`(func (export "sum${instance}") (result u32) (canon lift (core func $${instance} "sum")))`);
    looks.push(`sum${instance}`);
  };
  for (let i = 0; i <= next(2); i++) {
    parts.push(`(core module $m${i} (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 1))
      ${
      next(2) === 0 ? `(data (i32.const ${next(60_000)}) "at first")` : ""
    }) (core instance $m${i} (instantiate $m${i}))`);
    memories.push(`$m${i}`);
    globals.push(`$m${i}`);
  }
  for (let i = 0; i <= next(2); i++) {
    parts.push(`(core instance $l${i} (instantiate $lazy))`);
    for (const all of [functions, ...(next(2) === 0 ? [memories, globals] : [])]) all.push(`$l${i}`);
    exported(`l${i}`, ["poke"]);
  }
  const kinds = 1 + next(3);
  const imports = Array.from({ length: kinds }, () => next(2) === 0);
  for (let i = 0; i < kinds; i++) parts.push(writer(i, next, imports[i]!));
  const any = (all: readonly string[]) => all[next(all.length)]!;
  const writers = 1 + next(4);
  for (let i = 0; i < writers; i++) {
    const kind = next(kinds);
    parts.push(`(core instance $w${i} (instantiate $writer${kind} (with "" (instance
      (export "m" (memory ${any(memories)} "m")) (export "other" (func ${any(functions)} "poke"))
      (export "ask" (func $ask)) ${imports[kind] ? `(export "g" (global ${any(globals)} "g"))` : ""}))))`);
    for (const all of [memories, globals, functions]) if (next(2) === 0) all.push(`$w${i}`);
    exported(`w${i}`, WRITES);
  }
  for (let i = next(3); i > 0; i--) {
    parts.push(`(func $begin${i} (canon lift (core func $w${next(writers)} "begin"))) (start $begin${i})`);
  }
  const text = `(component (import "ask" (func $host (result u32))) (core func $ask (canon lower (func $host)))
    ${parts.join("\n")})`;
  return { text, writes, looks };
}

/** What a request finds that looks, writes, and looks again. */
async function request(linked: LinkedComponent, { looks, writes }: Program, next: Next): Promise<unknown[]> {
  const found: unknown[] = [];
  const serve = inIsolate(linked, async (isolate) => {
    // Those that are made when they are needed are needed now and then.
    const look = async () => {
      for (const name of looks) if (next(4) > 0) found.push(await call(isolate, name));
    };
    if (next(2) === 0) await look();
    for (let i = next(6); i > 0; i--) {
      const name = writes[next(writes.length)]!;
      if (!name.startsWith("grow") || next(4) === 0) await call(isolate, name, address(next));
    }
    await look();
  });
  await serve.catch((error) => found.push(`${error}`));
  return found;
}

/** Whether isolates of this component are restored. */
function isRestored(bytes: Uint8Array<ArrayBuffer>): boolean {
  const plan = elaborate(bytes, decodeComponent(bytes, "random"), "random");
  return prepare(bytes, plan, { restore: true, limits: DEFAULT_LIMITS }).restoring !== undefined;
}

Deno.test("random components that start in every way find nothing of former requests", async () => {
  let restored = 0, changed = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const made = program(random(seed));
    const bytes = new Uint8Array(await parse(made.text));
    if (made.text.includes("(start $start)") && isRestored(bytes)) restored++;
    let round = 0;
    const link = async (restore: boolean) => {
      const engine = createNativeEngine({ restore, rangeCodeBytes: [0, 900, 1_000_000][seed % 3]! });
      const host = { ask: () => round } as unknown as HostImports;
      return await (await engine.load(bytes, { name: `${seed}` })).link(host);
    };
    const [served, anew] = [await link(true), await link(false)];
    for (round = 1; round <= 6; round++) {
      const found = await request(served, made, random(seed * 100 + round));
      expect([seed, round, ...found]).toEqual([seed, round, ...await request(anew, made, random(seed * 100 + round))]);
      if (new Set(found).size > 3) changed++;
    }
  }
  expect(restored).toBeGreaterThan(10);
  // Of requests that leave all as it was, nothing could be found.
  expect(changed).toBeGreaterThan(100);
});
