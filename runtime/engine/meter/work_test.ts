import { expect } from "@std/expect";
import { SkerryError } from "../../errors.ts";
import { Writer } from "../writer.ts";
import { meterModule, meterSteps } from "./mod.ts";

const I32 = 0x7f;

/** Some code, so often. */
const times = (count: number, ...code: readonly number[]): number[] =>
  new Array<readonly number[]>(count).fill(code).flat();

interface Function {
  readonly locals?: number;
  readonly code: readonly number[];
}

/** A module of some functions, with a memory, a table and a tag, and a second type of so many parameters and results. */
function build(functions: readonly Function[], values = 0): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => {
    s.u8(2, 0x60, 0, 0, 0x60);
    for (let i = 0; i < 2; i++) {
      s.u32(values);
      s.raw(new Uint8Array(values).fill(I32));
    }
  });
  w.section(3, (s) => {
    s.u32(functions.length);
    s.raw(new Uint8Array(functions.length));
  });
  w.section(4, (s) => s.u8(1, 0x70, 0, 1));
  w.section(5, (s) => s.u8(1, 0, 1));
  w.section(13, (s) => s.u8(1, 0, 0));
  w.section(10, (s) => {
    s.u32(functions.length);
    for (const { code, locals = 1 } of functions) {
      s.sized((b) => {
        b.u8(1);
        b.u32(locals);
        b.u8(I32);
        b.raw(Uint8Array.from(code));
        b.u8(0x0b);
      });
    }
  });
  return w.bytes;
}

/** Code with so many values on the stack all the while. */
const above = (height: number, code: readonly number[]) => [...times(height, 0x41, 0), ...code, ...times(height, 0x1a)];

const GET = [0x20, 0];

/** A table of so many labels, in a block of its own. */
const branches = (
  labels: number,
) => [0x02, 0x40, ...GET, 0x0e, labels & 0x7f | 0x80, labels >> 7, ...times(labels + 1, 0), 0x0b];

/** Bombs that go off when they are compiled: how large each is that is let pass, and how large one that is not. */
const BOMBS: Readonly<
  Record<string, readonly [pass: () => Uint8Array<ArrayBuffer>, fail: () => Uint8Array<ArrayBuffer>, RegExp]>
> = {
  "locals at each block": both(
    (n) => build([{ locals: 40_000, code: times(n, 0x02, 0x40, 0x0b) }]),
    570,
    640,
    /values/,
  ),
  "locals at each instruction": both(
    (n) => build([{ locals: 40_000, code: times(n, ...GET, 0x1a) }]),
    9000,
    23_000,
    /values/,
  ),
  "locals of many functions": both(
    (n) => build(Array.from({ length: n }, () => ({ locals: 40_000, code: times(3, 0x02, 0x40, 0x0b) }))),
    150,
    200,
    /values/,
  ),
  "a high stack at each branch": both(
    (n) => build([{ code: above(n, [0x02, 0x40, ...times(n, ...GET, 0x0d, 0), 0x0b]) }]),
    5500,
    7500,
    /values/,
  ),
  "a high stack at each if": both(
    (n) => build([{ code: above(n, times(n, ...GET, 0x04, 0x40, 0x0b)) }]),
    4300,
    5300,
    /values/,
  ),
  "a high stack at each call": both(
    (n) => build([{ code: above(n, times(n, 0x10, 1)) }, { code: [] }]),
    5500,
    7500,
    /values/,
  ),
  "a high stack at each growth": both(
    (n) => build([{ code: above(n, times(n, 0x41, 0, 0x40, 0, 0x1a)) }]),
    5500,
    7500,
    /values/,
  ),
  "a high stack at each throw": both(
    (n) => build([{ code: above(n, times(n, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b)) }]),
    1800,
    4000,
    /values/,
  ),
  "a high stack at each label of a table": both((n) => build([{ code: above(n, branches(n)) }]), 5500, 7500, /values/),
  "a high stack at each element of a table": both(
    (n) => build([{ code: above(n, times(n, 0x41, 0, 0x25, 0, 0x1a)) }]),
    5500,
    7500,
    /values/,
  ),
  "blocks of many parameters": both(
    (n) => build([{ code: above(900, times(n, 0x02, 1, 0x0b)) }], 900),
    300,
    700,
    /values/,
  ),
  "branches of many results": both(
    (n) =>
      build(
        [{ code: [...times(900, 0x41, 0), 0x02, 1, ...times(n, ...GET, 0x0d, 0), 0x0b, ...times(900, 0x1a)] }],
        900,
      ),
    1200,
    1800,
    /values/,
  ),
  "nested loops": both(
    (n) => build([{ code: [...times(n, 0x03, 0x40), ...times(n, ...GET, 0x0d, 0, 0x0b)] }]),
    4000,
    4200,
    /loops and bulk operations, and may have 4096/,
  ),
  "loops in a row": both(
    (n) => build([{ code: times(n, 0x03, 0x40, ...GET, 0x0d, 0, 0x0b) }]),
    4000,
    4200,
    /loops and/,
  ),
  "work of a length": both(
    (n) => build([{ code: times(n, ...GET, ...GET, ...GET, 0xfc, 0x0b, 0) }]),
    4000,
    4200,
    /loops and bulk operations, and may have 4096/,
  ),
  "loops of many functions": both(
    (n) => build(Array.from({ length: n }, () => ({ code: times(2000, 0x03, 0x40, ...GET, 0x0d, 0, 0x0b) }))),
    4,
    5,
    /squares of the loops/,
  ),
  "blocks of many functions": both(
    (n) => build(Array.from({ length: n }, () => ({ code: times(10_000, 0x02, 0x40, 0x0b) }))),
    5,
    8,
    /squares of the blocks/,
  ),
  "one large function": both(
    (n) => build([{ code: times(n, 0x02, 0x40, 0x0b) }]),
    22_000,
    24_000,
    /squares of the blocks/,
  ),
  "one very large function": both(
    (n) => build([{ code: times(n, 0x01) }]),
    6_200_000,
    6_400_000,
    /bytes, and may have 6291456/,
  ),
};

function both<N>(make: (n: N) => Uint8Array<ArrayBuffer>, pass: N, fail: N, why: RegExp) {
  return [() => make(pass), () => make(fail), why] as const;
}

for (const [what, [pass, fail, why]] of Object.entries(BOMBS)) {
  Deno.test(`a module is refused that takes too long to compile: ${what}`, () => {
    expect(WebAssembly.validate(meterModule(pass()).bytes)).toBe(true);
    let refused: unknown;
    try {
      meterModule(fail(), { name: "bomb" });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(SkerryError);
    const { code, message } = refused as SkerryError;
    expect([code, message]).toEqual(["component-over-limit", expect.stringMatching(why)]);
    expect(message).toMatch(/^metering bomb: function \d+ takes too long to compile: /);
  });
}

/** Code that grows the most by what is added to it: each loop begins with a check. */
const loops = (functions: number, count: number) =>
  build(Array.from({ length: functions }, () => ({ code: times(count, 0x03, 0x40, 0x0b) })));

Deno.test("a module is refused that would grow to many times its size, before anything is written", () => {
  expect(WebAssembly.validate(meterModule(loops(100, 50)).bytes)).toBe(true);
  expect(() => meterModule(loops(3000, 50), { name: "bomb" })).toThrow(
    /^metering bomb: its 4\d{5} bytes of code, .* would take \d{7} .*, and may take \d{7}\. Split it\.$/,
  );
});

Deno.test("large code is read, planned and written in steps, so that others can run in between", () => {
  const stepsOf = (functions: number) => {
    let steps = 0;
    const code = [0x03, 0x40, ...GET, 0x0d, 0, 0x0b, ...times(1000, 0x01)];
    for (const all = meterSteps(build(Array.from({ length: functions }, () => ({ code })))); !all.next().done;) steps++;
    return steps;
  };
  expect(stepsOf(10)).toBe(0);
  // Two megabytes: 16 times 128 KiB are read, four times 500 functions planned, 8 times 256 KiB written.
  expect(stepsOf(2000)).toBeGreaterThanOrEqual(15 + 4 + 7);
});
