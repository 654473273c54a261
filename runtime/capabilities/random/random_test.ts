import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { MAX_RANDOM_BYTES } from "../../limits.ts";
import { Task } from "../../task.ts";
import { random } from "./mod.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

type Bytes = (length: bigint) => Uint8Array;

for (
  const [name, getBytes] of [
    ["random", p2["wasi:random/random@0.2.12"]!.getRandomBytes as Bytes],
    ["insecure", p2["wasi:random/insecure@0.2.12"]!.getInsecureRandomBytes as Bytes],
  ] as const
) {
  Deno.test(`wasi:random/${name} fills all it was asked for, also when that is more than the system gives at once`, () => {
    expect(getBytes(0n).length).toBe(0);
    const bytes = getBytes(BigInt(MAX_RANDOM_BYTES));
    expect(bytes.length).toBe(MAX_RANDOM_BYTES);
    // A tail of 32 zeros would mean that the last part was not filled: its chance is 2^-256.
    expect(bytes.subarray(-32).some((byte) => byte !== 0)).toBe(true);
  });

  Deno.test(`wasi:random/${name} traps a guest that asks for too much`, () => {
    expect(() => getBytes(BigInt(MAX_RANDOM_BYTES) + 1n)).toThrow(SkerryError);
    expect(() => getBytes(2n ** 64n - 1n)).toThrow(SkerryError);
  });
}

Deno.test("random numbers differ from call to call", () => {
  const u64 = p2["wasi:random/random@0.2.12"]!.getRandomU64 as () => bigint;
  expect(u64()).not.toBe(u64());
});

Deno.test("the seed is the same however often one request asks for it, and another one has another", () => {
  const seed = p2["wasi:random/insecure-seed@0.2.12"]!.insecureSeed as () => [bigint, bigint];
  const seed3 = p3["wasi:random/insecure-seed@0.3.0"]!.getInsecureSeed as () => [bigint, bigint];
  const inTask = () => {
    const task = new Task({ function: "test" });
    const seeds = withTask(task, () => [seed(), seed(), seed3()]);
    task.end();
    expect(seeds[1]).toEqual(seeds[0]);
    expect(seeds[2]).toEqual(seeds[0]);
    return seeds[0]!;
  };
  const [low, high] = inTask();
  expect(low).not.toBe(high);
  expect(inTask()).not.toEqual([low, high]);
});

Deno.test("the grant of random takes no parameters", () => {
  expect(random.grant.safeParse({ seed: 1 }).success).toBe(false);
});
