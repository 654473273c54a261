import { expect } from "@std/expect";
import { SkerryError } from "../../errors.ts";
import { meterModule } from "./mod.ts";
import { Writer } from "./_writer.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

/** A repeatable source of numbers below a bound. */
function random(seed: number): (bound: number) => number {
  let state = seed * 2654435761 >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

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
