import { expect } from "@std/expect";
import { withTask } from "../context.ts";
import { Task } from "../task.ts";
import { bodyHasFailed, noteFailedBody } from "./failed_body.ts";

Deno.test("a body has failed when its guest says so, until its task ends, and in no other task", () => {
  for (
    const warning of [
      'Warning: body ReadableStream closed during body streaming. Exception: (new Error("no"))',
      "Warning: JS event loop terminated without completing the request.",
    ]
  ) {
    const [task, other] = [new Task({ function: "test" }), new Task({ function: "test" })];
    noteFailedBody(task, "Warning: something else");
    noteFailedBody(task, `said: ${warning}`);
    expect(withTask(task, bodyHasFailed)).toBe(false);
    noteFailedBody(task, warning);
    expect([withTask(task, bodyHasFailed), withTask(other, bodyHasFailed), bodyHasFailed()]).toEqual([
      true,
      false,
      false,
    ]);
    task.end();
    expect(withTask(task, bodyHasFailed)).toBe(false);
    noteFailedBody(task, warning);
    expect(withTask(task, bodyHasFailed)).toBe(false);
    other.end();
  }
});

Deno.test("a guest that says so again and again leaves one thing to do when its task ends", () => {
  const task = new Task({ function: "test" });
  let deferred = 0;
  const defer = task.defer.bind(task);
  task.defer = (cleanup) => {
    deferred++;
    return defer(cleanup);
  };
  for (let i = 0; i < 100; i++) {
    noteFailedBody(task, "Warning: JS event loop terminated without completing the request.");
  }
  expect(deferred).toBe(1);
  task.end();
});
