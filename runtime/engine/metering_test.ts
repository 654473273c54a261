import { expect } from "@std/expect";
import { SkerryError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { Task } from "../task.ts";
import { Growth } from "./growth.ts";
import { called, METER, Meter, moved, noFuel } from "./metering.ts";

/** What becomes of a guest that asks for more when its deadline has passed. */
function late(canSuspend: boolean) {
  const meter = new Meter({ limits: DEFAULT_LIMITS, bytes: 0, elements: 0, allocates: false });
  const task = new Task({ function: "late", wallMs: -1 });
  const failures: unknown[] = [];
  const isolate = {
    task,
    clock: meter.clock(task),
    over: false,
    fuel: noFuel(),
    growth: new Growth(),
    failed: (error: unknown) => failures.push(error),
  };
  const answer = meter.look({ isolate, canSuspend }, -1);
  const seen = { answer, ended: task.ended, codes: failures.map((error) => (error as SkerryError).code) };
  task.end();
  return { ...seen, met: [...task.met] };
}

Deno.test("a guest past its deadline traps, and ends its task only where there is stack enough for that", () => {
  const met = [["wallMs", 1]];
  expect(late(true)).toEqual({ answer: -1, ended: true, codes: [], met });
  // A guest that has filled the stack would have the task's clean-up fail half-way.
  expect(late(false)).toEqual({ answer: -1, ended: false, codes: ["deadline-exceeded"], met });
});

Deno.test("a guest looks after a lot has gone between it and the host, and its pace learns nothing from that", () => {
  const meter = new Meter({ limits: DEFAULT_LIMITS, bytes: 0, elements: 0, allocates: false });
  const task = new Task({ function: "moves" });
  const fuel = noFuel();
  const isolate = { task, clock: meter.clock(task), over: false, fuel, growth: new Growth(), failed: () => {} };
  const counter = new WebAssembly.Global({ value: "i32", mutable: true }, 1000);
  // One core instance is not metered, and one not made yet.
  const exports = [{}, { [`${METER}/fuel`]: counter }, undefined];
  const granted = meter.look({ isolate, canSuspend: false }, -1);
  for (let i = 0; i < 3; i++) moved(fuel, 65_536, exports);
  expect(counter.value).toBe(1000);
  moved(fuel, 65_536, exports);
  expect(counter.value).toBe(-1);
  expect(meter.look({ isolate, canSuspend: false }, -1)).toBe(granted);
  counter.value = 1000;
  // From the look on it counts anew.
  moved(fuel, 65_536, exports);
  expect(counter.value).toBe(1000);
  isolate.clock.stop();
  task.end();
});

Deno.test("a guest looks when its calls of the host have kept others waiting, and then after each of them", () => {
  const meter = new Meter({ limits: DEFAULT_LIMITS, bytes: 0, elements: 0, allocates: false });
  const clock = meter.clock(new Task({ function: "calls" }));
  const fuel = noFuel();
  const counter = new WebAssembly.Global({ value: "i32", mutable: true }, 1000);
  let sliceMs = 0;
  clock.sliceMs = () => sliceMs;
  /** After how many calls it looks. */
  const looksAfter = (most: number) => {
    counter.value = 1000;
    for (let calls = 1; calls <= most; calls++) {
      called(fuel, clock, [{ [`${METER}/fuel`]: counter }, undefined]);
      if (counter.value === -1) return calls;
    }
    return undefined;
  };
  expect(looksAfter(100)).toBe(undefined);
  sliceMs = 1000;
  expect(looksAfter(100)).toBeLessThanOrEqual(16);
  expect([fuel.early, looksAfter(100), looksAfter(100)]).toEqual([true, 1, 1]);
  sliceMs = 0;
  expect(looksAfter(100)).toBe(undefined);
  sliceMs = 1000;
  expect(looksAfter(100)).toBeLessThanOrEqual(16);
});
