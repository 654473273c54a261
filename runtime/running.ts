/**
 * The tasks that are running.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import { type Entry, Roster } from "./roster.ts";
import type { Task } from "./task.ts";

/** Tasks that are running, oldest first. */
export interface Tasks extends Iterable<Task> {
  readonly size: number;
}

/** Those of a dispatcher. */
export class RunningTasks implements Tasks {
  readonly #tasks = new Roster<Task>();
  readonly #onEnd: (task: Task) => void;
  #idle: (() => void)[] = [];

  /** @param onEnd called when a task has ended */
  constructor(onEnd: (task: Task) => void) {
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#tasks.size;
  }

  [Symbol.iterator](): Iterator<Task> {
    return this.#tasks[Symbol.iterator]();
  }

  /** Has `task` among them until it ends. */
  add(task: Task): void {
    task.defer(this.#ended.bind(this, task, this.#tasks.add(task)));
  }

  #ended(task: Task, entry: Entry<Task>): void {
    this.#tasks.delete(entry);
    this.#onEnd(task);
    if (this.#tasks.size > 0 || this.#idle.length === 0) return;
    for (const idle of this.#idle.splice(0)) idle();
  }

  /** Waits until there are none, at most `graceMs` milliseconds; then ends those that are left. Returns how many were. */
  async stop(graceMs: number): Promise<number> {
    if (this.size === 0) return 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    const timer = setTimeout(resolve, graceMs);
    await promise;
    clearTimeout(timer);
    const left = [...this];
    for (const task of left) {
      task.end(
        new SkerryError(
          "server-stopping",
          `stopping the server: ${task.function} ran on after ${graceMs} ms`,
        ),
      );
    }
    return left.length;
  }
}
