import { expect } from "@std/expect";
import { Task } from "../task.ts";
import { CpuClock } from "./cpu.ts";

Deno.test("a clock counts what lies between start and stop, and nothing else", async () => {
  const task = new Task({ function: "f" });
  const clock = new CpuClock(task);
  const busy = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
  clock.start();
  clock.start();
  busy(5);
  clock.stop();
  clock.stop();
  const counted = task.cpuMs;
  expect(counted).toBeGreaterThanOrEqual(5);
  await new Promise((done) => setTimeout(done, 5));
  expect(task.cpuMs).toBe(counted);
  expect(clock.sliceMs(performance.now())).toBe(0);
  task.end();
});

Deno.test("a slice goes on over pauses in which nobody else can have run, until others have had their turn", () => {
  const task = new Task({ function: "f" });
  const clock = new CpuClock(task);
  const { now } = performance;
  let at = 1000;
  performance.now = () => at;
  try {
    for (let i = 0; i < 10; i++) {
      clock.start();
      at += 0.5;
      clock.stop();
      at += 0.01;
    }
    clock.start();
    expect(clock.sliceMs(at)).toBe(5);
    clock.turned();
    clock.stop();
    clock.start();
    at += 0.5;
    expect(clock.sliceMs(at)).toBe(0.5);
    clock.stop();
    at += 5;
    clock.start();
    expect(clock.sliceMs(at)).toBe(0);
    clock.stop();
    expect(task.cpuMs).toBe(5.5);
  } finally {
    performance.now = now;
  }
  task.end();
});
