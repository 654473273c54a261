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
