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
  hooks.setInterval(() => ran++, 0);
  hooks.queueMicrotask(() => ran++);
  end();
  hooks.dispose();
  hooks.setTimeout(() => ran++, 0);
  hooks.setInterval(() => ran++, 0);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(ran).toBe(0);
});

Deno.test("what generated code does again and again is done in its task, until it is called off", async () => {
  const { hooks, elsewhere, end } = inTwoTasks();
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const interval = elsewhere(() =>
    hooks.setInterval(() => {
      seen.push(currentTask().id);
      if (seen.length === 3) {
        hooks.clearInterval(interval);
        hooks.setTimeout(resolve, 5);
      }
    }, 0)
  );
  await promise;
  expect(seen).toEqual(["a", "a", "a"]);
  end();
});

Deno.test("streams of the host that a guest still reads end with its isolate", () => {
  const { hooks, elsewhere, end } = inTwoTasks();
  const ended: string[] = [];
  const reader = (name: string, drop: () => void) =>
    Object.assign(() => Promise.resolve(), { drop: () => (ended.push(`${name} in ${currentTask().id}`), drop()) });
  const broken = () => {
    throw new Error("broken");
  };
  elsewhere(() => [reader("a", broken), reader("b", () => {})].forEach((read) => expect(hooks.reads(read)).toBe(read)));
  hooks.dispose();
  hooks.dispose();
  expect(ended).toEqual(["a in a", "b in a"]);
  end();
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
