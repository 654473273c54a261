/**
 * How long guest code runs.
 *
 * @module
 */
import type { Task } from "../task.ts";
import type { HeapUse } from "./heap.ts";

/**
 * Counts the time in which guest code of an isolate runs: from where it is entered or resumed to where it ends or is
 * suspended. What the host does meanwhile on its behalf, without waiting, is part of it.
 */
export class CpuClock {
  readonly #task: Task;
  /** Since when guest code runs without a break, by `performance.now()`; negative when it does not. */
  #since = -1;

  /** What else is counted while guest code runs, for guests that make objects in the host's heap. */
  readonly heap: HeapUse | undefined;

  constructor(task: Task, heap?: HeapUse) {
    this.#task = task;
    this.heap = heap;
  }

  /** Whether guest code runs. */
  get running(): boolean {
    return this.#since >= 0;
  }

  start(): void {
    if (this.#since >= 0) return;
    this.#since = performance.now();
    this.heap?.start();
  }

  stop(): void {
    if (this.#since < 0) return;
    this.#task.cpuMs += performance.now() - this.#since;
    this.#since = -1;
    this.heap?.stop();
  }

  /** For how long guest code has run without a break, in milliseconds. */
  sliceMs(now: number): number {
    return this.#since < 0 ? 0 : now - this.#since;
  }
}
