/**
 * The one `AsyncLocalStorage`: which task is running?
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { SkerryError } from "./errors.ts";
import type { Task } from "./task.ts";

const storage = new AsyncLocalStorage<Task>();

/** A task that has been started, and that the storage does not know yet. */
const started: { task: Task | undefined; before: Task | undefined } = { task: undefined, before: undefined };

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
  enterTask();
  return storage.run(task, body);
}

/**
 * As {@linkcode withTask}, for a body that may well be over when it returns: the storage learns of the task when
 * {@linkcode enterTask} is called, at the latest before anything is left to run later. Most small requests leave nothing, and
 * the storage costs more than all that they do.
 *
 * @example
 * ```ts
 * import { currentTask, enterTask, startTask } from "./context.ts";
 * import { Task } from "./task.ts";
 *
 * const task = new Task({ function: "hello" });
 * await startTask(task, async () => {
 *   console.assert(currentTask() === task);
 *   enterTask();
 *   await Promise.resolve();
 *   console.assert(currentTask() === task);
 * });
 * task.end();
 * ```
 */
export function startTask<T>(task: Task, body: () => T): T {
  enterTask();
  const { before } = started;
  started.task = task;
  try {
    return body();
  } finally {
    // What is entered stays so until somebody else is: `enterWith` has no end of its own.
    if (started.task === undefined) storage.enterWith(started.before as Task);
    started.task = undefined;
    started.before = before;
  }
}

/** From here on all that is awaited, scheduled or streamed belongs to the task that was started, if one was. */
export function enterTask(): void {
  const { task } = started;
  if (task === undefined) return;
  // In this order: where a guest has left no stack these throw, and the task stays as it was.
  const before = storage.getStore();
  storage.enterWith(task);
  started.before = before;
  started.task = undefined;
}

/**
 * The task that the running code belongs to.
 *
 * @throws {SkerryError} `no-task`, outside any task.
 */
export function currentTask(): Task {
  const task = maybeTask();
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
  return started.task ?? storage.getStore();
}
