import { expect } from "@std/expect";
import { withTask } from "./context.ts";
import { openCount } from "./open_count.ts";
import { Task } from "./task.ts";

Deno.test("a task may have so many open, each is given back once, and another task has its own", () => {
  const [take, other] = [openCount(), openCount()];
  const refusal = () => new RangeError("two are open");
  const [task, neighbour] = [new Task({ function: "a" }), new Task({ function: "a" })];
  withTask(task, () => {
    const first = take(2, refusal);
    take(2, refusal);
    expect(() => take(2, refusal)).toThrow("two are open");
    first();
    first();
    take(2, refusal);
    expect(() => take(2, refusal)).toThrow("two are open");
    other(1, refusal);
  });
  withTask(neighbour, () => take(1, refusal));
  for (const each of [task, neighbour]) each.end();
});
