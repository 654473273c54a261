import { expect } from "@std/expect";
import process from "node:process";
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

Deno.test("a slice ends when others have had their turn in pauses however short, and not before", async () => {
  const task = new Task({ function: "f" });
  const clock = new CpuClock(task);
  const { now } = performance;
  let at = 1000;
  const run = (ms: number) => {
    clock.start();
    at += ms;
    clock.stop();
    at += 0.01;
  };
  const slice = () => {
    clock.start();
    const ms = clock.sliceMs(at);
    clock.stop();
    return ms;
  };
  const turn = () => new Promise((done) => setTimeout(done, 0));
  performance.now = () => at;
  try {
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 40; i++) {
        run(0.5);
        // Others get no turn by a promise that is settled.
        await undefined;
      }
      expect(slice()).toBe(20);
      await turn();
      expect(slice()).toBe(0);
    }
    run(0.5);
    await turn();
    // So little is not worth a timer.
    expect(slice()).toBe(0.5);
    expect(task.cpuMs).toBe(40.5);
  } finally {
    performance.now = now;
  }
  task.end();
});

/** A clock of a task's, where time passes as it is told, and so does what the process has had of the processor. */
function inItsTime(
  body: (world: { task: Task; clock: CpuClock; pass: (ms: number, used: number) => number }) => void,
): void {
  const task = new Task({ function: "f" });
  const { now } = performance;
  const { cpuUsage } = process;
  let at = 1000;
  let usedMs = 500;
  performance.now = () => at;
  process.cpuUsage = () => ({ user: usedMs * 600, system: usedMs * 400 });
  const pass = (ms: number, used: number) => {
    usedMs += used;
    return at += ms;
  };
  try {
    body({ task, clock: new CpuClock(task), pass });
  } finally {
    performance.now = now;
    process.cpuUsage = cpuUsage;
  }
  task.end();
}

Deno.test("a guest that had the processor for a part of the time has computed no longer than that", () => {
  inItsTime(({ clock, pass }) => {
    const runs = (ms: number, used: number) => clock.computedMs(pass(ms, used));
    clock.start();
    // What was before it was first asked for may have been anybody's.
    expect(runs(300, 100)).toBe(0);
    expect(runs(300, 20)).toBe(20);
    // Other threads compute as well.
    expect(runs(100, 9000)).toBe(700);
    clock.turned();
    clock.stop();
    clock.start();
    expect([runs(5, 5), runs(5, 5)]).toEqual([0, 5]);
    clock.stop();
    pass(5, 0);
    clock.start();
    expect([runs(1, 1), runs(2, 2)]).toEqual([0, 2]);
    process.cpuUsage = () => {
      throw new Error("not here");
    };
    expect(runs(1, 1)).toBe(4);
    clock.stop();
  });
});

Deno.test("a task is not charged for what other processes had of the processor while its guest ran", () => {
  inItsTime(({ task, clock, pass }) => {
    const runs = (ms: number, used: number) => {
      const at = pass(ms, used);
      expect(clock.look()).toBe(at);
      return clock.cpuMs(at);
    };
    clock.start();
    // Before the first look nobody knows.
    expect(runs(10, 1)).toBe(10);
    expect(runs(10, 4)).toBe(14);
    // Other threads of the process compute as well: the guest is charged for no more than its time.
    expect(runs(10, 35)).toBe(24);
    // A clock in large steps stands still, and then makes up for it.
    for (let i = 0; i < 5; i++) expect(runs(1, 0)).toBe(25 + i);
    expect(runs(1, 6)).toBe(30);
    clock.stop();
    expect(task.cpuMs).toBe(30);
    // What lies between its runs is neither its time nor lost to it.
    expect(runs(100, 1)).toBe(30);
    clock.start();
    expect(runs(10, 8)).toBe(38);
    clock.stop();
    pass(50, 0);
    clock.start();
    expect(runs(10, 4)).toBe(42);
    process.cpuUsage = () => {
      throw new Error("not here");
    };
    expect(runs(1, 1)).toBe(43);
    clock.stop();
    expect(task.cpuMs).toBe(43);
  });
});
