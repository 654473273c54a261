import { expect } from "@std/expect";
import { currentTask, withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { IsolateHooks } from "./hooks.ts";
import { IsolateTimers } from "./timers.ts";

/** Hooks of an isolate in task `a`, and a way to be in task `b`. */
function inTwoTasks() {
  const [a, b] = ["a", "b"].map((requestId) => new Task({ function: "f", requestId }));
  return {
    hooks: withTask(a!, () => new IsolateHooks("f")),
    elsewhere: <T>(body: () => T) => withTask(b!, body),
    end: () => [a, b].forEach((task) => task!.end()),
  };
}

Deno.test("host code runs in its isolate's task, whoever resumed the guest", async () => {
  const { hooks, elsewhere, end } = inTwoTasks();
  const seen: string[] = [];
  const note = () => void seen.push(currentTask().id);
  elsewhere(() => {
    hooks.run(note, "x#y");
    hooks.drop({ [Symbol.dispose]: note });
    hooks.setTimeout(note, 0);
    hooks.setTimeout(note, 1);
    hooks.queueMicrotask(note);
  });
  while (seen.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(seen).toEqual(["a", "a", "a", "a", "a"]);
  end();
});

Deno.test("nothing that generated code has set up runs after the end", async () => {
  const { hooks, end } = inTwoTasks();
  let ran = 0;
  hooks.setTimeout(() => ran++, 0);
  hooks.setTimeout(() => ran++, 1);
  hooks.setTimeout(() => ran++, 10);
  hooks.queueMicrotask(() => ran++);
  end();
  hooks.dispose();
  hooks.setTimeout(() => ran++, 0);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(ran).toBe(0);
});

Deno.test("a waiting guest is looked at as soon as something happened", async () => {
  const timers = new IsolateTimers();
  const looks: number[] = [];
  const look = () => {
    looks.push(looks.length);
    timers.set(look, 10);
  };
  timers.set(look, 10);
  // Left alone, it is looked at less and less often, so that the next look is far away.
  while (looks.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
  timers.wake();
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = looks.length;
  timers.set(resolve, 0);
  await promise;
  expect(looks.length).toBeGreaterThan(before);
  timers.stop();
});
