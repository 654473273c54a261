import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { createNativeEngine } from "./mod.ts";

/** What names a second memory, where a module has one. */
const NAMES: Readonly<Record<string, string>> = {
  "a store": `(func (i32.store8 1 (i32.const 2) (i32.const 0)))`,
  "a wide store": `(func (i64.store32 1 (i32.const 0) (i64.const 0)))`,
  "a vector's lane": `(func (v128.store8_lane 1 0 (i32.const 2) (v128.const i32x4 0 0 0 0)))`,
  "a load": `(func (drop (i32.load 1 (i32.const 2))))`,
  "memory.fill": `(func (memory.fill 1 (i32.const 0) (i32.const 0) (i32.const 9)))`,
  "memory.copy to it": `(func (memory.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 9)))`,
  "memory.copy from it": `(func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 9)))`,
  "memory.init": `(data $d "000") (func (memory.init 1 $d (i32.const 0) (i32.const 0) (i32.const 3)))`,
  "memory.size": `(func (drop (memory.size 1)))`,
  "an export": `(export "x" (memory 1))`,
  "data": `(data (memory 1) (i32.const 0) "00")`,
};

async function load(name: string, field: string, meter: boolean): Promise<void> {
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $m (memory 1) ${field} (func (export "f") (i32.store (i32.const 9000) (i32.const 1))))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))`),
  );
  await createNativeEngine({ meter, rangeCodeBytes: 0 }).load(bytes, { name });
}

for (const [what, field] of Object.entries(NAMES)) {
  Deno.test(`no guest reaches the notes of the pages that it has written to: ${what}`, async () => {
    for (const meter of [true, false]) {
      await expect(load(what, field, meter)).rejects.toMatchObject({ code: "component-malformed" });
    }
  });
}

Deno.test("a module that names no second memory has its pages noted", async () => {
  for (const meter of [true, false]) await load("one memory", "", meter);
});
