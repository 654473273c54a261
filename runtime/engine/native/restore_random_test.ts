/**
 * Random programs in restored instances: each request goes as it does in an instance that is made for it.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import type { Engine, HostImports, LinkedComponent } from "../mod.ts";
import { random, randomModule } from "../meter/testdata/random_module.ts";
import { call, inIsolate } from "./_testing.ts";
import { createNativeEngine } from "./mod.ts";
import { MAX_RANGE_CODE_BYTES } from "./tracking.ts";

const FUNCTIONS = 6;

/** Sums up the memory and the global of a random module. */
const LOOK = `(core module $look
  (import "m" "memory" (memory 1)) (import "m" "global" (global $g (mut i32)))
  (func (export "state") (result i32) (local $at i32) (local $sum i32)
    (local.set $sum (i32.xor (global.get $g) (i32.mul (memory.size) (i32.const 31))))
    (loop $next
      (local.set $sum (i32.mul (i32.xor (local.get $sum) (i32.load (local.get $at))) (i32.const 16777619)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 65536))))
    (local.get $sum)))`;

/** Runs the core module that its host gives it, whose import is the host's `mix`. */
const RUNNER = new Uint8Array(
  await parse(`(component
    (import "mix" (func $mix (param "x" s32) (result s32)))
    (import "program" (core module $program
      (import "host" "mix" (func (param i32) (result i32)))
      ${list((i) => `(export "f${i}" (func (param i32 i32) (result i32)))`)}
      (export "memory" (memory 1)) (export "global" (global (mut i32)))))
    (core func $mix (canon lower (func $mix)))
    (core instance $m (instantiate $program (with "host" (instance (export "mix" (func $mix))))))
    ${LOOK}
    (core instance $look (instantiate $look (with "m" (instance $m))))
    (func (export "state") (result s32) (canon lift (core func $look "state")))
    ${
    list((i) =>
      `(func (export "f${i}") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $m "f${i}")))`
    )
  })`),
);

function list(make: (i: number) => string): string {
  return Array.from({ length: FUNCTIONS }, (_, i) => make(i)).join("\n");
}

const mix = (x: number) => Math.imul(x, 31) ^ 0x5bd1;

/** What a request of some calls answers with, the state before and after them, and whether it trapped. */
async function request(linked: LinkedComponent, seed: number): Promise<string[]> {
  const next = random(seed);
  return await inIsolate(linked, async (isolate) => {
    const answers = [`${await call(isolate, "state")}`];
    for (let i = next(4); i >= 0; i--) {
      const answer = await call(isolate, `f${next(FUNCTIONS)}`, 1 + next(3), next(5000) - 1000).catch(() => "a trap");
      answers.push(`${answer}`);
      if (answer === "a trap") return answers;
    }
    return [...answers, `${await call(isolate, "state")}`];
  });
}

for (const rangeCodeBytes of [MAX_RANGE_CODE_BYTES, 0]) {
  Deno.test(`random programs go in restored instances as in new ones, and find nothing of each other: ${rangeCodeBytes}`, async () => {
    const engine = createNativeEngine({ rangeCodeBytes });
    const fresh = createNativeEngine({ restore: false });
    let changed = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const host = { mix, program: randomModule(seed) } as unknown as HostImports;
      const link = async (engine: Engine) => await (await engine.load(RUNNER, { name: `${seed}` })).link(host);
      const [restored, anew] = [await link(engine), await link(fresh)];
      for (let round = 1; round <= 8; round++) {
        const found = await request(restored, seed * 100 + round);
        expect([seed, round, ...found]).toEqual([seed, round, ...await request(anew, seed * 100 + round)]);
        if (found.at(-1) !== "a trap" && found[0] !== found.at(-1)) changed++;
      }
    }
    // Of programs that leave all as it was, nothing could be found.
    expect(changed).toBeGreaterThan(100);
  });
}
