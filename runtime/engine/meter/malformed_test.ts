import { expect } from "@std/expect";
import { SkerryError } from "../../errors.ts";
import { Writer } from "../writer.ts";
import { meterModule } from "./mod.ts";
import { random } from "./testdata/random_module.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

/** The code of the refusal, or what metering returned. */
function tryMeter(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | string {
  try {
    return meterModule(bytes, { name: "x.wasm", memory: { max: 1000, ask: 10 }, table: { max: 1000, ask: 10 } }).bytes;
  } catch (error) {
    if (!(error instanceof SkerryError)) throw error;
    expect(error.message).toContain("x.wasm");
    return error.code;
  }
}

function mutated(bytes: Uint8Array<ArrayBuffer>, next: (bound: number) => number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  switch (next(4)) {
    case 0: // cut off
      return copy.slice(0, next(copy.length));
    case 1: { // one byte taken out
      const at = next(copy.length);
      copy.copyWithin(at, at + 1);
      return copy.slice(0, copy.length - 1);
    }
    case 2: // one byte changed a little
      copy[8 + next(copy.length - 8)]! += 1 + next(2);
      return copy;
    default: // some bytes changed at will
      for (let i = next(3); i >= 0; i--) copy[8 + next(copy.length - 8)] = next(256);
      return copy;
  }
}

const FILES = [
  "kernels/fib.wasm",
  "kernels/json.wasm",
  "kernels/sort.wasm",
  "spins.wasm",
  "spins_closed.wasm",
  "spins_legacy.wasm",
  "grow.wasm",
  "waits.wasm",
  "names.wasm",
];

for (const file of FILES) {
  Deno.test(`a mutated ${file} is valid when metered just if it was before, or is refused`, async () => {
    const bytes = await read(file);
    let [valid, refused] = [0, 0];
    for (let seed = 1; seed <= 600; seed++) {
      const mutant = mutated(bytes, random(seed));
      const was = WebAssembly.validate(mutant);
      const result = tryMeter(mutant);
      if (typeof result === "string") {
        refused++;
        // What V8 takes may need more than its limits; nothing else of it is refused.
        if (was) expect([seed, result]).toEqual([seed, "component-over-limit"]);
      } else {
        expect([seed, WebAssembly.validate(result)]).toEqual([seed, was]);
        if (was) valid++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(valid).toBeGreaterThan(5);
  });
}

/** One function of no parameters, with an i32 local and a loop, around the instructions that are tried. */
function around(code: readonly number[], section: (w: Writer) => void = () => {}): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, 0));
  w.section(3, (s) => s.u8(1, 0));
  w.section(4, (s) => s.u8(1, 0x70, 0, 1));
  w.section(5, (s) => s.u8(1, 0, 1));
  w.section(6, (s) => s.u8(1, 0x7f, 1, 0x41, 0, 0x0b));
  section(w);
  w.section(10, (s) => {
    s.u8(1);
    s.sized((b) => {
      b.u8(1, 1, 0x7f, 0x03, 0x40, 0x0c, 0, 0x0b);
      b.u8(...code);
      b.u8(0x0b);
    });
  });
  return w.bytes;
}

// What the rewrite appends has these indices: locals from 1, globals from 1, functions from 1, types from 1.
const FORBIDDEN: Readonly<Record<string, readonly number[]>> = {
  "reads the counter": [0x23, 1, 0x1a],
  "sets the counter": [0x41, 0, 0x24, 1],
  "reads an added local": [0x20, 1, 0x1a],
  "sets an added local": [0x41, 0, 0x21, 1],
  "calls a helper": [0x10, 1],
  "calls a helper by a tail call": [0x12, 1],
  "takes a helper's reference": [0xd2, 1, 0x1a],
  "branches out of its function": [0x0c, 1],
  "branches out of its function from a block": [0x02, 0x40, 0x41, 0, 0x0d, 2, 0x0b],
  "branches out of its function by a table": [0x41, 0, 0x0e, 1, 0, 1],
  "names an added type for a block": [0x02, 1, 0x0b],
  "names an added type for an indirect call": [0x41, 0, 0x11, 1, 0],
  "names an added type for a reference": [0xd0, 1, 0x1a],
  "names an added type for a struct": [0xfb, 0, 1, 0x1a],
  "throws a tag that it does not have": [0x08, 0],
  "grows a memory that it does not have": [0x41, 0, 0x40, 1, 0x1a],
};

for (const [what, code] of Object.entries(FORBIDDEN)) {
  Deno.test(`a function that ${what} is refused`, () => {
    expect(WebAssembly.validate(around([]))).toBe(true);
    expect(WebAssembly.validate(around(code))).toBe(false);
    expect(tryMeter(around(code))).toBe("component-malformed");
  });
}

const exported = (kind: number, index: number) => (w: Writer) =>
  w.section(7, (s) => {
    s.u8(1);
    s.string("x");
    s.u8(kind, index);
  });

Deno.test("what is not code cannot name what a rewrite adds", () => {
  const sections: Readonly<Record<string, (w: Writer) => void>> = {
    "exports a helper": exported(0, 1),
    "exports the counter": exported(3, 1),
    "starts with a helper": (w) => w.section(8, (s) => s.u8(1)),
    "puts a helper into its table": (w) => w.section(9, (s) => s.u8(1, 0, 0x41, 0, 0x0b, 1, 1)),
    "puts a helper into its table by an expression": (w) =>
      w.section(9, (s) => s.u8(1, 4, 0x41, 0, 0x0b, 1, 0xd2, 1, 0x0b)),
    "begins its table at the counter": (w) => w.section(9, (s) => s.u8(1, 0, 0x23, 1, 0x0b, 0)),
  };
  for (const [what, section] of Object.entries(sections)) {
    expect([what, WebAssembly.validate(around([], section))]).toEqual([what, false]);
    expect([what, tryMeter(around([], section))]).toEqual([what, "component-malformed"]);
  }
});

Deno.test("a module that uses the host's names is refused", () => {
  const named = (w: Writer) =>
    w.section(7, (s) => {
      s.u8(1);
      s.string("skerry:meter/fuel");
      s.u8(0, 0);
    });
  expect(tryMeter(around([], named))).toBe("component-unsupported");
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, 0));
  w.section(2, (s) => {
    s.u8(1);
    s.string("skerry:meter");
    s.string("look");
    s.u8(0, 0);
  });
  expect(tryMeter(w.bytes)).toBe("component-unsupported");
});

Deno.test("an opcode that is not known is named with its offset", () => {
  const cases: readonly (readonly [number[], string])[] = [
    [[0x16], "the opcode 0x16"],
    [[0xe0, 0], "the opcode 0xe0"],
    [[0xfb, 0x20, 0], "the opcode 0xfb 0x20"],
    [[0xfc, 0x13], "the opcode 0xfc 0x13"],
    [[0xfd, 0x9a, 0x01], "the opcode 0xfd 0x9a"],
    [[0xfe, 0x4f, 0, 0], "the opcode 0xfe 0x4f"],
  ];
  for (const [code, words] of cases) {
    const bytes = around(code);
    const at = bytes.length - code.length - 1;
    expect(() => meterModule(bytes)).toThrow(`${words} at offset 0x${at.toString(16)} is not supported`);
  }
});

Deno.test("numbers that promise more than there is are refused at once", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const cases: number[][] = [
    [1, ...huge.concat(huge)],
    [10, ...huge, 1],
    [3, 6, ...huge, 0],
    [2, 6, ...huge, 0],
    [9, 6, ...huge, 0],
    [0, 5, ...huge],
  ];
  for (const section of cases) {
    expect(tryMeter(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section))).toBe("component-malformed");
  }
  for (const code of [[0x0e, ...huge], [0x1c, ...huge], [0x1f, 0x40, ...huge]]) {
    expect(tryMeter(around(code))).toBe("component-malformed");
  }
});

Deno.test("blocks nested fifteen thousand deep are read, planned and written", () => {
  const depth = 15_000;
  const nest = [
    0x03,
    0x40,
    0x0b,
    ...new Array(depth).fill([0x02, 0x40]).flat(),
    0x0c,
    0,
    ...new Array(depth).fill(0x0b),
  ];
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, 0));
  w.section(3, (s) => s.u8(1, 0));
  w.section(10, (s) => {
    s.u8(1);
    s.sized((b) => {
      b.u8(0);
      b.raw(Uint8Array.from(nest));
      b.u8(0x0b);
    });
  });
  expect(tryMeter(w.bytes)).toBeInstanceOf(Uint8Array);
});

Deno.test("calls a hundred thousand deep are planned", () => {
  const functions = 100_000;
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, 0));
  w.section(3, (s) => {
    s.u32(functions);
    s.raw(new Uint8Array(functions));
  });
  w.section(10, (s) => {
    s.u32(functions);
    for (let i = 0; i < functions; i++) {
      s.sized((b) => {
        b.u8(0, 0x10);
        b.u32((i + 1) % functions);
        b.u8(0x0b);
      });
    }
  });
  const metered = tryMeter(w.bytes);
  expect(metered).toBeInstanceOf(Uint8Array);
  expect(WebAssembly.validate(metered as Uint8Array<ArrayBuffer>)).toBe(true);
});

/** Instructions for exceptions before they were values, and those and types from then on. */
const LEGACY = { "catch_all": [0x06, 0x40, 0x19, 0x0b], "delegate": [0x06, 0x40, 0x18, 0], "try": [0x06, 0x40, 0x0b] };
const LATER = {
  "try_table": { code: [0x1f, 0x40, 0, 0x0b] },
  "throw_ref": { code: [0x00, 0x0a] },
  "a block": { code: [0x02, 0x69, 0x00, 0x0b, 0x1a] },
  "ref.null exn": { code: [0xd0, 0x69, 0x1a] },
  "ref.null noexn": { code: [0xd0, 0x74, 0x1a] },
  "select": { code: [0x00, 0x1c, 1, 0x69, 0x1a] },
  "a local": { code: [], locals: [1, 1, 0x69] },
  "a local of a reference": { code: [], locals: [1, 1, 0x63, 0x69] },
};

/** Two functions of such code. */
function two(...functions: readonly { readonly code: readonly number[]; readonly locals?: readonly number[] }[]) {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, 0));
  w.section(3, (s) => s.u8(2, 0, 0));
  w.section(10, (s) => {
    s.u8(2);
    for (const { code, locals = [0] } of functions) s.sized((b) => b.u8(...locals, ...code, 0x0b));
  });
  return w.bytes;
}

Deno.test("a module of legacy instructions for exceptions and others is refused: looking for both, V8 may end the process", () => {
  for (const code of Object.values(LEGACY)) {
    expect(tryMeter(two({ code }, { code }))).toBeInstanceOf(Uint8Array);
    for (const [what, later] of Object.entries(LATER)) {
      expect([what, tryMeter(two(later, later))]).toEqual([what, expect.any(Uint8Array)]);
      for (const module of [two({ code }, later), two(later, { code })]) {
        expect([what, tryMeter(module)]).toEqual([what, "component-malformed"]);
      }
    }
  }
});
