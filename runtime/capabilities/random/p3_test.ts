import { expect } from "@std/expect";
import { MAX_RANDOM_BYTES } from "../../limits.ts";
import { random } from "./mod.ts";
import { p3 } from "./p3.ts";

Deno.test("random 0.3 gives at most so many bytes at once, and never traps", () => {
  const getBytes = [
    p3["wasi:random/random@0.3.0"]!.getRandomBytes,
    p3["wasi:random/insecure@0.3.0"]!.getInsecureRandomBytes,
  ] as ((maxLength: bigint) => Uint8Array)[];
  for (const get of getBytes) {
    expect(get(0n).length).toBe(0);
    expect(get(33n).length).toBe(33);
    expect(get(2n ** 64n - 1n).length).toBe(MAX_RANDOM_BYTES);
  }
});

Deno.test("the capability random provides both versions", () => {
  for (const name of Object.keys(p3)) expect(random.interfaces).toContain(name);
});
