import { expect } from "@std/expect";
import { Task } from "../../task.ts";
import { CpuClock, fairTurn } from "./cpu.ts";

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

Deno.test("each turn of the event loop resumes one guest, and functions take turns", async () => {
  const order: string[] = [];
  const turn = (name: string) => fairTurn(name).then(() => order.push(name));
  const all = [turn("busy"), turn("busy"), turn("busy"), turn("quiet"), turn("other")];
  await Promise.all(all);
  expect(order).toEqual(["busy", "quiet", "other", "busy", "busy"]);
});

Deno.test("timers and sockets have their turn between two guests that run long", async () => {
  let turns = 0;
  let fired = -1;
  setTimeout(() => fired = turns, 0);
  const until = performance.now() + 10_000;
  while (fired < 0 && performance.now() < until) {
    await fairTurn("spinner");
    turns++;
  }
  expect(fired).toBeGreaterThanOrEqual(0);
});
