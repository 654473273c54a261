import { expect } from "@std/expect";
import { Writer } from "../writer.ts";
import { MAX_CONDITIONS } from "./_costs.ts";
import { meterModule } from "./mod.ts";
import { difference } from "./testdata/compare.ts";

/** One function of an `i32`, with `code` so often, which ends with the parameter as it then is. */
function repeated(count: number, code: readonly number[]): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 1, 0x7f, 1, 0x7f));
  w.section(3, (s) => s.u8(1, 0));
  w.section(5, (s) => s.u8(1, 0, 1));
  w.section(7, (s) => s.u8(1, 1, 0x66, 0, 0));
  w.section(10, (s) => {
    s.u8(1);
    s.sized((b) => {
      b.u8(0);
      for (let i = 0; i < count; i++) b.raw(new Uint8Array(code));
      b.u8(0x20, 0, 0x0b);
    });
  });
  return w.bytes;
}

/** The parameter times three and one more. */
const SET = [0x20, 0, 0x41, 3, 0x6c, 0x41, 1, 0x6a, 0x21, 0];

// What V8 needs gigabytes for, a few thousand of them in a row. `0x04 0x40` is if, `0x02 0x40` block.
const ASKING = {
  "if": [0x20, 0, 0x04, 0x40, ...SET, 0x0b],
  "if not": [0x20, 0, 0x45, 0x04, 0x40, ...SET, 0x0b],
  "if it differs from zero": [0x20, 0, 0x41, 0, 0x47, 0x04, 0x40, ...SET, 0x0b],
  "if, with zero": [0x20, 0, 0x41, 0, 0x72, 0x04, 0x40, ...SET, 0x0b],
  "if, behind a block": [0x02, 0x7f, 0x20, 0, 0x0b, 0x04, 0x40, ...SET, 0x0b],
  "br_if": [0x02, 0x40, 0x20, 0, 0x0d, 0, ...SET, 0x0b],
  "br_table": [0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, ...SET, 0x0b],
};

/** How often one of the pairs of instructions stands in some code by which a condition is hidden. */
function hidden(code: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < code.length - 1; i++) {
    // popcnt and if or br_if; rotr and br_table
    if (code[i] === 0x69 && (code[i + 1] === 0x04 || code[i + 1] === 0x0d)) count++;
    if (code[i] === 0x78 && code[i + 1] === 0x0e) count++;
  }
  return count;
}

for (const [name, code] of Object.entries(ASKING)) {
  Deno.test(`${name}: a function that asks so often whether a local is zero hides it from the compiler`, () => {
    expect(hidden(meterModule(repeated(MAX_CONDITIONS, code)).bytes)).toBe(0);
    const many = repeated(MAX_CONDITIONS + 1, code);
    expect(hidden(meterModule(many).bytes)).toBe(MAX_CONDITIONS + 1);
    expect(difference(many, () => ({}))).toBe(undefined);
  });
}

Deno.test("what cannot be a local's own value need not be hidden", () => {
  const load = [0x41, 0, 0x28, 2, 0, 0x04, 0x40, ...SET, 0x0b];
  const less = [0x20, 0, 0x41, 5, 0x48, 0x04, 0x40, ...SET, 0x0b];
  // Of five labels: a switch.
  const table = [0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 4, 0, 1, 0, 1, 0, 0x0b, ...SET, 0x0b];
  for (const code of [load, less, table]) {
    expect(hidden(meterModule(repeated(MAX_CONDITIONS * 2, code)).bytes)).toBe(0);
  }
});
