import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { call, inIsolate } from "./_testing.ts";
import { elaborate } from "./elaborate.ts";
import { createNativeEngine } from "./mod.ts";
import { restoringOf, trackingsOf } from "./restorable.ts";

/** Two memories, one of them of a module with much code, and a module that is instantiated for each of them. */
const BYTES = new Uint8Array(
  await parse(`(component
    (core module $large (memory (export "m") 1)
      (func (export "poke") (param i32) (i32.store (local.get 0) (i32.const 1)))
      (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))
      (func ${"(drop (i32.const 7))".repeat(2000)}))
    (core module $small (memory (export "m") 1)
      (func (export "poke") (param i32) (i32.store (local.get 0) (i32.const 1)))
      (func (export "peek") (param i32) (result i32) (i32.load (local.get 0))))
    (core module $shared (import "" "m" (memory 1))
      (func (export "poke") (param i32) (i32.store (local.get 0) (i32.const 2))))
    (core instance $l (instantiate $large))
    (core instance $s (instantiate $small))
    (core instance $sl (instantiate $shared (with "" (instance $l))))
    (core instance $ss (instantiate $shared (with "" (instance $s))))
    (func (export "poke-large") (param "at" u32) (canon lift (core func $l "poke")))
    (func (export "poke-small") (param "at" u32) (canon lift (core func $s "poke")))
    (func (export "share-large") (param "at" u32) (canon lift (core func $sl "poke")))
    (func (export "share-small") (param "at" u32) (canon lift (core func $ss "poke")))
    (func (export "peek-large") (param "at" u32) (result u32) (canon lift (core func $l "peek")))
    (func (export "peek-small") (param "at" u32) (result u32) (canon lift (core func $s "peek"))))`),
);
/** Between the code of the large module and that of the others. */
const RANGE_CODE_BYTES = 2000;

Deno.test("pages are noted by all who write to a memory, or by none, where a module writes to several", () => {
  const plan = elaborate(BYTES, decodeComponent(BYTES), "shared");
  const sources = plan.modules.map((plan) => ({ bytes: BYTES, plan }));
  const trackings = trackingsOf(plan, sources, RANGE_CODE_BYTES);
  expect(trackings).toEqual(["pages", "pages", "pages"]);
  expect(restoringOf(BYTES, plan, sources, undefined, trackings).states.map(({ tracked }) => tracked)).toEqual(
    trackings,
  );
});

Deno.test("nothing stays that a module wrote to either of two memories", async () => {
  const component = await createNativeEngine({ rangeCodeBytes: RANGE_CODE_BYTES }).load(BYTES, { name: "shared" });
  const linked = await component.link({});
  const writers = ["pokeLarge", "pokeSmall", "shareLarge", "shareSmall"];
  for (let round = 0; round < 3; round++) {
    for (const at of [0, 4094, 40_000, 65_532]) {
      await inIsolate(linked, async (isolate) => {
        for (const memory of ["Large", "Small"]) {
          expect([at, memory, await call(isolate, `peek${memory}`, at)]).toEqual([at, memory, 0]);
        }
        for (const writer of writers) await call(isolate, writer, at);
        expect(await call(isolate, "peekSmall", at)).toBe(2);
      });
    }
  }
});

Deno.test("nothing stays in either of two memories of one module that others write to", async () => {
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $memories (memory (export "a") 1) (memory (export "b") 1))
      (core module $writer (import "" "m" (memory 1))
        (func (export "poke") (param i32) (i32.store (local.get 0) (i32.const 1)))
        (func (export "peek") (param i32) (result i32) (i32.load (local.get 0))))
      (core instance $m (instantiate $memories))
      (core instance $a (instantiate $writer (with "" (instance (export "m" (memory $m "a"))))))
      (core instance $b (instantiate $writer (with "" (instance (export "m" (memory $m "b"))))))
      (func (export "poke-a") (param "at" u32) (canon lift (core func $a "poke")))
      (func (export "poke-b") (param "at" u32) (canon lift (core func $b "poke")))
      (func (export "peek-a") (param "at" u32) (result u32) (canon lift (core func $a "peek")))
      (func (export "peek-b") (param "at" u32) (result u32) (canon lift (core func $b "peek"))))`),
  );
  for (const rangeCodeBytes of [0, RANGE_CODE_BYTES]) {
    const linked = await (await createNativeEngine({ rangeCodeBytes }).load(bytes, { name: "two" })).link({});
    for (let round = 0; round < 3; round++) {
      await inIsolate(linked, async (isolate) => {
        for (const memory of ["A", "B"]) {
          expect([round, memory, await call(isolate, `peek${memory}`, 40_000)]).toEqual([round, memory, 0]);
          await call(isolate, `poke${memory}`, 40_000);
        }
      });
    }
  }
});
