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
