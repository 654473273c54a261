/**
 * The one `AsyncLocalStorage`: which task is running?
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { SkerryError } from "./errors.ts";
import type { Task } from "./task.ts";

const storage = new AsyncLocalStorage<Task>();

/**
 * Runs `body` as part of `task`. Everything that it calls, awaits, schedules or streams belongs to that task.
 *
 * @example
 * ```ts
 * import { currentTask, withTask } from "./context.ts";
 * import { Task } from "./task.ts";
 *
 * const task = new Task({ function: "hello" });
 * await withTask(task, async () => {
 *   await Promise.resolve();
 *   console.assert(currentTask() === task);
 * });
 * task.end();
 * ```
 */
export function withTask<T>(task: Task, body: () => T): T {
  return storage.run(task, body);
}

/**
 * The task that the running code belongs to.
 *
 * @throws {SkerryError} `no-task`, outside any task.
 */
export function currentTask(): Task {
  const task = storage.getStore();
  if (task === undefined) {
    throw new SkerryError(
      "no-task",
      "currentTask(): no task is running here. Call it from a host function, or wrap the call in withTask(task, …).",
    );
  }
  return task;
}

/** The task that the running code belongs to, or `undefined` outside any task. */
export function maybeTask(): Task | undefined {
  return storage.getStore();
}
