import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { mayWait } from "../../engine/mod.ts";
import { CALL_OFF, type CallOff } from "../../engine/streams.ts";
import { Task } from "../../task.ts";
import { clocks } from "./mod.ts";
import { type Instant, p3 } from "./p3.ts";

const monotonic = p3["wasi:clocks/monotonic-clock@0.3.0"] as {
  now(): bigint;
  getResolution(): bigint;
  waitUntil(when: bigint): Promise<void>;
  waitFor(howLong: bigint): Promise<void>;
};
const system = p3["wasi:clocks/system-clock@0.3.0"] as { now(): Instant; getResolution(): bigint };

Deno.test("a guest that waited for an instant reads it or a later one", async () => {
  const task = new Task({ function: "test" });
  await withTask(task, async () => {
    for (let i = 0n; i < 20n; i++) {
      const instant = monotonic.now() + 100_000n + i * 1_237n;
      await monotonic.waitUntil(instant);
      expect(monotonic.now() >= instant).toBe(true);
      await monotonic.waitFor(1_000n);
    }
    await monotonic.waitUntil(0n);
    await monotonic.waitFor(0n);
  });
  task.end();
});

Deno.test("waiting for ever leaves no timer behind when the task ends", () => {
  // The sanitizer of the test runner fails this test if a timer is left.
  const task = new Task({ function: "test" });
  withTask(task, () => void monotonic.waitFor(2n ** 63n));
  task.end();
});

Deno.test("a wait that the guest takes back leaves no timer behind", () => {
  const task = new Task({ function: "test" });
  withTask(task, () => (monotonic.waitFor(2n ** 63n) as CallOff<void>)[CALL_OFF]());
  task.end();
});

Deno.test("a few waits for what is past are over at once", () => {
  const task = new Task({ function: "test" });
  withTask(task, () => {
    for (let i = 0; i < 10; i++) {
      const waiting: unknown = i % 2 === 0 ? monotonic.waitUntil(1n) : monotonic.waitFor(0n);
      expect(waiting).toBe(undefined);
    }
  });
  task.end();
});

Deno.test("waiting for what is past lets others run", async () => {
  const task = new Task({ function: "test" });
  let others = false;
  const timer = setTimeout(() => others = true);
  await withTask(task, async () => {
    while (!others) await monotonic.waitUntil(0n);
  });
  clearTimeout(timer);
  task.end();
});

Deno.test("the system clock is the host's, and its resolution is a duration", () => {
  const before = Date.now();
  const { seconds, nanoseconds } = system.now();
  expect(Number(seconds) * 1000 + nanoseconds / 1e6).toBeGreaterThanOrEqual(before);
  expect(system.getResolution()).toBe(1_000_000n);
});

Deno.test("only the functions that the WIT calls async may wait", () => {
  const waiting = Object.entries(p3).flatMap(([name, members]) =>
    Object.entries(members).filter(([, member]) => mayWait(member)).map(([member]) => `${name}#${member}`)
  );
  expect(waiting).toEqual([
    "wasi:clocks/monotonic-clock@0.3.0#waitUntil",
    "wasi:clocks/monotonic-clock@0.3.0#waitFor",
  ]);
});

Deno.test("the capability clocks provides both versions", () => {
  for (const name of Object.keys(p3)) expect(clocks.interfaces).toContain(name);
});
