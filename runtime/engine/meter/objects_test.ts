import { expect } from "@std/expect";
import { Writer } from "../writer.ts";
import { meterModule } from "./mod.ts";

const I32 = 0x7f, I64 = 0x7e, STRUCTURE = 1, ARRAY = 2;

/** A module with a structure of so many fields, an array type, and globals that begin with what is given. */
function build(fields: number, globals: readonly (readonly number[])[], body: readonly number[] = []) {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => {
    s.u8(3, 0x60, 0, 0, 0x5f);
    s.u32(fields);
    for (let i = 0; i < fields; i++) s.u8(I64, 1);
    s.u8(0x5e, I64, 1);
  });
  w.section(3, (s) => s.u8(1, 0));
  w.section(6, (s) => {
    s.u32(globals.length);
    // Nullable, of any object.
    for (const expression of globals) s.u8(0x6e, 0, ...expression, 0x0b);
  });
  w.section(7, (s) => {
    s.u8(1);
    s.string("run");
    s.u8(0, 0);
  });
  w.section(10, (s) => {
    s.u8(1);
    s.sized((b) => {
      b.u8(1, 1, I32);
      b.raw(Uint8Array.from(body));
      b.u8(0x0b);
    });
  });
  return w.bytes;
}

const constant = (value: number): number[] => {
  const w = new Writer();
  w.u8(0x41);
  w.s32(value);
  return [...w.bytes];
};

/** How often a guest looks that makes a hundred structures. */
function looks(fields: number): number {
  const again = [0x20, 0, ...constant(1), 0x6a, 0x22, 0, ...constant(100), 0x49, 0x0d, 0];
  const loop = [0x03, 0x40, 0xfb, 0x01, STRUCTURE, 0x1a, ...again, 0x0b];
  const module = new WebAssembly.Module(meterModule(build(fields, [], loop)).bytes);
  let count = 0;
  const look = () => {
    count++;
    return 1000;
  };
  const { exports } = new WebAssembly.Instance(module, { "skerry:meter": { look, wait: () => -1, grow: () => 1 } });
  (exports.run as () => void)();
  return count;
}

Deno.test("a structure is paid for by its fields, so that a look comes after so many bytes", () => {
  const narrow = looks(1);
  expect(narrow).toBeLessThan(20);
  expect(looks(1001)).toBeGreaterThanOrEqual(narrow + 90);
});

Deno.test("what a module begins with in the host's heap is known, or is more than anything", () => {
  const bytes = (fields: number, ...globals: number[][]) => {
    const module = build(fields, globals);
    // It is one that V8 takes.
    expect(WebAssembly.validate(module)).toBe(true);
    return meterModule(module).constantBytes;
  };
  const structure = [0xfb, 0x01, STRUCTURE];
  const array = (length: readonly number[]) => [...length, 0xfb, 0x07, ARRAY];
  expect(bytes(5)).toBe(0);
  expect(bytes(5, structure)).toBe(24 + 5 * 16);
  expect(bytes(5, structure, structure)).toBe(2 * (24 + 5 * 16));
  expect(bytes(0, array(constant(1000)))).toBe(24 + 16_000);
  expect(bytes(0, [0x42, 0, ...constant(1000), 0xfb, 0x06, ARRAY])).toBe(24 + 16_000);
  expect(bytes(0, [0x42, 0, 0x42, 0, 0xfb, 0x08, ARRAY, 2])).toBe(24 + 32);
  expect(bytes(0, array(constant(-1)))).toBe(24 + (2 ** 32 - 1) * 16);
  expect(bytes(0, array([...constant(1), ...constant(2), 0x6a]))).toBe(Infinity);
  expect(bytes(0, [...constant(7), 0xfb, 0x1c])).toBe(0);
});

Deno.test("code that is small, and that V8 ends the process over when it compiles it, is refused", () => {
  const made = (count: number) => build(10_000, [], new Array(count).fill([0xfb, 0x01, STRUCTURE, 0x1a]).flat());
  expect(WebAssembly.validate(made(420))).toBe(true);
  expect(() => meterModule(made(420))).toThrow("function 0 takes too long to compile: the structures and calls");
  expect(WebAssembly.validate(meterModule(made(410)).bytes)).toBe(true);
});

Deno.test("exceptions of many values are objects of the host's heap, which a table may keep", () => {
  const throws = (values: number) => {
    const w = new Writer();
    w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    w.section(1, (s) => s.u8(2, 0x60, 0, 0, 0x60, values, ...new Array<number>(values).fill(I32), 0));
    w.section(3, (s) => s.u8(1, 0));
    w.section(13, (s) => s.u8(1, 0, 1));
    w.section(10, (s) => {
      s.u8(1);
      s.sized((b) => b.u8(0, ...new Array<number[]>(values).fill([0x41, 0]).flat(), 0x08, 0, 0x0b));
    });
    expect(WebAssembly.validate(w.bytes)).toBe(true);
    return meterModule(w.bytes).allocates;
  };
  expect([throws(0), throws(1), throws(4), throws(5), throws(100)]).toEqual([false, false, false, true, true]);
});

Deno.test("exceptions that can be kept are objects of the host's heap, however small they are", () => {
  const EXN = 0x69;
  /** A module that throws exceptions of these values, and has some more sections. */
  const keeps = (values: readonly number[], table?: readonly number[], global?: readonly number[]) => {
    const w = new Writer();
    w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    w.section(1, (s) => s.u8(2, 0x60, 0, 0, 0x60, values.filter((code) => code !== 0x63).length, ...values, 0));
    if (table !== undefined) w.section(4, (s) => s.u8(1, ...table, 0, 1));
    w.section(13, (s) => s.u8(1, 0, 1));
    if (global !== undefined) w.section(6, (s) => s.u8(1, ...global, 1, 0xd0, global.at(-1)!, 0x0b));
    expect(WebAssembly.validate(w.bytes)).toBe(true);
    return meterModule(w.bytes).allocates;
  };
  expect([keeps([]), keeps([I32, I32], [0x70], [0x6f])]).toEqual([false, false]);
  expect([keeps([EXN]), keeps([I32, 0x63, EXN]), keeps([], [EXN]), keeps([], [0x63, EXN]), keeps([], undefined, [EXN])])
    .toEqual(new Array(5).fill(true));
});
