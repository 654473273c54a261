import { expect } from "@std/expect";
import { withTask } from "../context.ts";
import { Task } from "../task.ts";
import { fairTurn, yieldTurn } from "./turn.ts";

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

Deno.test("timers and sockets have their turn beside a guest whose calls need never wait", async () => {
  const task = new Task({ function: "polls" });
  let turns = 0;
  let fired = -1;
  setTimeout(() => fired = turns, 0);
  const until = performance.now() + 10_000;
  await withTask(task, async () => {
    while (fired < 0 && performance.now() < until) {
      const turn = yieldTurn();
      if (turn === undefined) continue;
      await turn;
      turns++;
    }
  });
  task.end();
  expect(fired).toBeGreaterThanOrEqual(0);
});

Deno.test("where a timer cannot be set, one guest has no turn, and the others have theirs", async () => {
  // One that is set for the turn after another test's last one fires before this.
  const { setTimeout } = globalThis;
  await new Promise((done) => setTimeout(done));
  globalThis.setTimeout = (() => {
    throw new RangeError("Maximum call stack size exceeded");
  }) as unknown as typeof setTimeout;
  try {
    await expect(fairTurn("deep")).rejects.toThrow(RangeError);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  const order: string[] = [];
  await Promise.all(["a", "b"].map((name) => fairTurn(name).then(() => order.push(name))));
  expect(order).toEqual(["a", "b"]);
});
