import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { SkerryError } from "../../errors.ts";
import { coreModuleShape } from "./core_module.ts";
import { createNativeEngine } from "./mod.ts";
import type { Plan } from "./plan.ts";
import { isRestorable, prepared } from "./restorable.ts";
import { namesOneMemory } from "./slack.ts";
import { trackingOf } from "./tracking.ts";

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
  "memory.grow": `(func (drop (memory.grow 1 (i32.const 1))))`,
  "a vector": `(func (v128.store 1 (i32.const 2) (v128.const i32x4 0 0 0 0)))`,
  "a vector's load": `(func (drop (v128.load32_zero 1 (i32.const 2))))`,
  "a load of a lane": `(func (drop (v128.load16_lane 1 0 (i32.const 2) (v128.const i32x4 0 0 0 0))))`,
  "a float": `(func (f64.store 1 (i32.const 2) (f64.const 0)))`,
  "an export": `(export "x" (memory 1))`,
  "data": `(data (memory 1) (i32.const 0) "00")`,
  "data behind other data": `(data (i32.const 0) "00") (data "0") (data (memory 1) (i32.const 0) "00")`,
  "data at a sum": `(data (memory 1) (i32.add (i32.const 0) (i32.const 1)) "00")`,
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

/** A component with one module, whose function has this code. */
function withCode(...code: number[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const module = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(10, 1, code.length + 2, 0, ...code, 0x0b),
  ];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
    ...section(1, ...module),
    ...section(2, 1, 0, 0, 0),
  ]);
}

const ZERO = [0x41, 0];
/** Names the memory with this index, in many ways of writing numbers. */
const WRITTEN: Readonly<Record<string, (memory: number) => number[]>> = {
  "a store": (memory) => [...ZERO, ...ZERO, 0x36, 0x42, memory, 0],
  "a store whose alignment takes two bytes": (memory) => [...ZERO, ...ZERO, 0x36, 0xc2, 0, memory, 0],
  "a store whose alignment takes five bytes": (
    memory,
  ) => [...ZERO, ...ZERO, 0x3a, 0xc0, 0x80, 0x80, 0x80, 0, memory, 0],
  "a store whose memory takes five bytes": (
    memory,
  ) => [...ZERO, ...ZERO, 0x36, 0x40, memory | 0x80, 0x80, 0x80, 0x80, 0, 0],
  "a store far away": (memory) => [...ZERO, ...ZERO, 0x36, 0x40, memory, 0xff, 0xff, 0xff, 0xff, 0x0f],
  "a load": (memory) => [...ZERO, 0x2d, 0xc0, 0, memory | 0x80, 0, 0, 0x1a],
  "memory.fill": (memory) => [...ZERO, ...ZERO, ...ZERO, 0xfc, 0x8b, 0x80, 0, memory | 0x80, 0],
  "memory.copy to it": (memory) => [...ZERO, ...ZERO, ...ZERO, 0xfc, 0x0a, memory | 0x80, 0x80, 0, 0],
  "memory.copy from it": (memory) => [...ZERO, ...ZERO, ...ZERO, 0xfc, 0x8a, 0, 0x80, 0, memory],
  "memory.size": (memory) => [0x3f, memory | 0x80, 0x80, 0, 0x1a],
  "memory.grow": (memory) => [...ZERO, 0x40, memory | 0x80, 0, 0x1a],
  "a lane": (memory) => {
    const vector = [0xfd, 0x0c, ...new Array(16).fill(0)];
    return [...ZERO, ...vector, 0xfd, 0xd8, 0x80, 0, 0xc0, 0, memory | 0x80, 0, 0, 0];
  },
};

for (const [what, code] of Object.entries(WRITTEN)) {
  Deno.test(`however it is written, no guest reaches the notes of its pages: ${what}`, async () => {
    for (const meter of [true, false]) {
      const engine = createNativeEngine({ meter, rangeCodeBytes: 0 });
      // Named in this way, the memory that it has is there.
      await engine.load(withCode(...code(0)), { name: what });
      for (const memory of [1, 2]) {
        await expect(engine.load(withCode(...code(memory)), { name: what })).rejects.toMatchObject({
          code: "component-malformed",
        });
      }
    }
  });
}

Deno.test("a module that names no second memory has its pages noted", async () => {
  for (const meter of [true, false]) await load("one memory", "", meter);
});

/** The core modules of a component. */
function modulesIn(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  return decodeComponent(bytes).definitions.flatMap((d) =>
    d.kind === "core-module" ? [bytes.slice(d.start, d.end)] : []
  );
}

/** A module with notes of its pages; nothing where none are added, or it is refused. */
function noted(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  try {
    const plan = { start: 0, end: bytes.length, shape: coreModuleShape(bytes, 0, bytes.length, "mutant") };
    const source = { bytes, plan };
    const instances = [{ module: 0, imports: new Map(), owner: 0 }];
    const can = isRestorable(bytes, { instances, modules: [plan] } as unknown as Plan, [source]) &&
      trackingOf(plan.shape, 0) === "pages" && namesOneMemory(source);
    return can ? prepared(bytes, plan, undefined, "pages") : undefined;
  } catch (error) {
    if (error instanceof SkerryError) return undefined;
    throw error;
  }
}

const MUTANTS = Number(Deno.env.get("SKERRY_FUZZ_MUTANTS") ?? 4000);

Deno.test("no mutant of a module becomes valid by the memory of its notes", async () => {
  const files = ["traces.wasm", "grow.wasm", "values.wasm", "transcode.wasm"];
  const read = (file: string) => Deno.readFile(new URL(`testdata/${file}`, import.meta.url));
  const originals = (await Promise.all(files.map(read))).flatMap(modulesIn).filter((module) =>
    noted(module) !== undefined
  );
  let seed = Number(Deno.env.get("SKERRY_FUZZ_SEED") ?? 1);
  const below = (count: number) => {
    seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
    return Math.floor(seed / 2 ** 32 * count);
  };
  const counts = { valid: 0, refused: 0, invalid: 0 };
  for (let left = MUTANTS; left > 0; left--) {
    const bytes = originals[below(originals.length)]!.slice();
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const at = 8 + below(bytes.length - 8);
      const byte = bytes[at]!;
      bytes[at] = [byte ^ 0x40, byte ^ 0x80, below(3), byte ^ 1, 0x40 | below(4), below(256)][below(6)]!;
    }
    const made = noted(bytes);
    if (made === undefined) counts.refused++;
    else if (!WebAssembly.validate(made)) counts.invalid++;
    else {
      counts.valid++;
      if (!WebAssembly.validate(bytes)) throw new Error(`it was not valid: ${btoa(String.fromCharCode(...bytes))}`);
    }
  }
  expect(originals.length).toBeGreaterThan(2);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(MUTANTS / 50);
});
