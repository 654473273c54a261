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
  #slice = 0;

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
    this.#since = this.#slice = performance.now();
    this.heap?.start();
  }

  stop(): void {
    if (this.#since < 0) return;
    this.#task.cpuMs += performance.now() - this.#since;
    this.#since = -1;
    this.heap?.stop();
  }

  /** Since when nobody else could run, by `performance.now()`. */
  get slice(): number {
    return this.#slice;
  }

  /** Goes on as part of `slice`: what ran meanwhile may have stopped the clock, but has let nobody else run. */
  goOn(slice: number): void {
    this.start();
    this.#slice = slice;
  }

  /** For how long guest code has run and nobody else could, in milliseconds. */
  sliceMs(now: number): number {
    return this.#since < 0 ? 0 : now - this.#slice;
  }

  /** What the task has computed by `now`, in milliseconds. */
  cpuMs(now: number): number {
    return this.#task.cpuMs + (this.#since < 0 ? 0 : now - this.#since);
  }
}
