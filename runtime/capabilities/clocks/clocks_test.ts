import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { poll, Pollable } from "../../streams/p2/mod.ts";
import { Task } from "../../task.ts";
import { clocks } from "./mod.ts";
import { p2 } from "./p2.ts";
import { nanoseconds } from "./time.ts";

const monotonic = p2["wasi:clocks/monotonic-clock@0.2.12"] as {
  now(): bigint;
  resolution(): bigint;
  subscribeInstant(when: bigint): Pollable;
  subscribeDuration(duration: bigint): Pollable;
};
const wall = p2["wasi:clocks/wall-clock@0.2.12"] as {
  now(): { seconds: bigint; nanoseconds: number };
  resolution(): { seconds: bigint; nanoseconds: number };
};

Deno.test("the monotonic clock counts nanoseconds and never goes back", () => {
  let last = monotonic.now();
  for (let i = 0; i < 1000; i++) {
    const now = monotonic.now();
    expect(now >= last).toBe(true);
    last = now;
  }
  expect(monotonic.resolution()).toBeGreaterThan(0n);
});

Deno.test("whoever was woken at an instant reads it or a later one", async () => {
  const task = new Task({ function: "test" });
  await withTask(task, async () => {
    for (let i = 0n; i < 50n; i++) {
      const instant = monotonic.now() + 100_000n + i * 1_237n;
      await poll([monotonic.subscribeInstant(instant)]);
      expect(monotonic.now() >= instant).toBe(true);
    }
  });
  task.end();
});

Deno.test("an instant does not get earlier on its way through the host's clock", () => {
  const earlier = [];
  for (let instant = 1; instant < 1e15; instant = Math.ceil(instant * 1.001)) {
    if (nanoseconds(instant / 1e6) < BigInt(instant)) earlier.push(instant);
  }
  expect(earlier).toEqual([]);
});

Deno.test("a duration of nothing is over at once, and one of 2^64 ns is not", () => {
  expect(monotonic.subscribeDuration(0n).ready()).toBe(true);
  expect(monotonic.subscribeInstant(0n).ready()).toBe(true);
  expect(monotonic.subscribeDuration(2n ** 64n - 1n).ready()).toBe(false);
});

Deno.test("the wall clock is the host's, in seconds and nanoseconds", () => {
  const before = Date.now();
  const { seconds, nanoseconds } = wall.now();
  const now = Number(seconds) * 1000 + nanoseconds / 1e6;
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
  expect(wall.resolution()).toEqual({ seconds: 0n, nanoseconds: 1_000_000 });
});

Deno.test("a guest's time zone is UTC", () => {
  const timezone = p2["wasi:clocks/timezone@0.2.12"] as {
    display(): unknown;
    utcOffset(): number;
  };
  expect(timezone.display()).toEqual({ utcOffset: 0, name: "UTC", inDaylightSavingTime: false });
  expect(timezone.utcOffset()).toBe(0);
});

Deno.test("the grant of clocks takes no parameters", () => {
  expect(clocks.grant.safeParse({}).success).toBe(true);
  expect(clocks.grant.safeParse({ skew: 1 }).success).toBe(false);
});
