import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { randomModule } from "../meter/testdata/random_module.ts";
import { coreModuleShape } from "./core_module.ts";
import { elaborate } from "./elaborate.ts";
import { factsOf, type ModuleSource } from "./metering.ts";
import { LOWEST, prepared } from "./restorable.ts";

function sourceOf(bytes: Uint8Array<ArrayBuffer>): ModuleSource {
  return { bytes, plan: { start: 0, end: bytes.length, shape: coreModuleShape(bytes, 0, bytes.length, "test") } };
}

/** A module with one memory and the exported function `f`, of these types and this body. */
function moduleOf(types: readonly number[], body: readonly number[]): Uint8Array<ArrayBuffer> {
  const sized = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sized(1, types),
    ...sized(3, [1, 0]),
    ...sized(5, [1, 0, 1]),
    ...sized(7, [1, 1, 0x66, 0, 0]),
    ...sized(10, [1, ...leb(body.length + 1), 0, ...body]),
  ]);
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...leb(value >>> 7)];
}

/** The lowest address that a module has noted after calling `f`, -1 for none. */
function noted(bytes: Uint8Array<ArrayBuffer>): number {
  const { plan } = sourceOf(bytes);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared(bytes, plan)));
  (exports.f as () => void)();
  return (exports[LOWEST] as WebAssembly.Global).value;
}

const PLAIN = [1, 0x60, 0, 0];
/** `i32.store (i32.const 64) (i32.const 7)` */
const STORE = [0x41, 0xc0, 0, 0x41, 7, 0x36, 2, 0];

Deno.test("a store is noted, and nothing else is", () => {
  expect(noted(moduleOf(PLAIN, [...STORE, 0x0b]))).toBe(0);
  expect(noted(moduleOf(PLAIN, [0x41, 0, 0x28, 2, 0, 0x1a, 0x0b]))).toBe(-1);
});

Deno.test("a store is noted behind any instruction with a long operand", () => {
  const before = {
    "a constant whose bytes are a store's opcode": [0x43, 0x36, 0x36, 0x36, 0x36, 0x1a],
    "a long one": [0x44, ...new Array(8).fill(0x0e), 0x1a],
    "a vector": [0xfd, 0x0c, ...new Array(16).fill(0x0e), 0x1a],
    "a lane": [0xfd, 0x0c, ...new Array(16).fill(0), 0xfd, 0x15, 0x0e, 0x1a],
    "a branch table": [0x02, 0x40, 0x41, 0, 0x0e, 3, 0, 0, 0, 0, 0x0b],
    "select with a type": [0x41, 0, 0x41, 0, 0x41, 0, 0x1c, 1, 0x7f, 0x1a],
    "try_table": [0x1f, 0x40, 0, 0x0b],
    "a load whose offset is long": [0x41, 0, 0x28, 2, 0xb6, 0x80, 0x80, 0, 0x1a],
  };
  for (const [what, code] of Object.entries(before)) {
    expect([what, noted(moduleOf(PLAIN, [...code, ...STORE, 0x0b]))]).toEqual([what, 0]);
  }
});

Deno.test("a block of a reference type hides no store behind its type", () => {
  // Type 14 is `br_table` to who takes it for an instruction: 65 numbers would follow.
  const types = [15, ...new Array(15).fill([0x60, 0, 0]).flat()];
  const block = [0x02, 0x63, 14, ...STORE, ...new Array(80).fill(0x01), 0xd0, 14, 0x0b, 0x1a];
  expect(noted(moduleOf(types, [...block, 0x0b]))).toBe(0);
});

Deno.test("modules that change more than memories and globals are not restored", () => {
  const facts = (body: readonly number[], types: readonly number[] = PLAIN) =>
    factsOf(sourceOf(moduleOf(types, [...body, 0x0b])))?.changesOnlyMemory;
  expect(facts(STORE)).toBe(true);
  expect(facts([0xfc, 0x09, 0])).toBe(false); // data.drop
  expect(facts([0xfc, 0x0d, 0])).toBe(false); // elem.drop
  expect(facts([0x41, 0, 0x41, 0, 0xfe, 0x17, 2, 0])).toBe(false); // i32.atomic.store
  expect(facts([0xfb, 0x00, 1, 0x1a], [2, 0x60, 0, 0, 0x5f, 0])).toBe(false); // struct.new
  // What cannot be read may be anything.
  expect(facts([0xff])).toBe(undefined);
});

Deno.test("random programs and the repository's guests are valid when they are tracked", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const bytes = randomModule(seed);
    const { plan } = sourceOf(bytes);
    expect([seed, WebAssembly.validate(prepared(bytes, plan))]).toEqual([seed, true]);
  }
  const folder = new URL("../../../tests/fixtures/", import.meta.url);
  let modules = 0;
  for (const name of ["small", "old", "utf16", "c-http", "c-caps", "c-p3", "rust-http", "rust-p3"]) {
    const bytes = await Deno.readFile(new URL(`${name}/${name}.wasm`, folder));
    for (const plan of elaborate(bytes, decodeComponent(bytes, name), name).modules) {
      if (!factsOf({ bytes, plan })?.changesOnlyMemory) continue;
      expect([name, WebAssembly.validate(prepared(bytes, plan))]).toEqual([name, true]);
      modules++;
    }
  }
  expect(modules).toBeGreaterThan(12);
});
