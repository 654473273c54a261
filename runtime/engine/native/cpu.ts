/**
 * How long guest code runs, and who of those that run long goes on next.
 *
 * @module
 */
import type { Task } from "../../task.ts";

/**
 * Counts the time in which guest code of an isolate runs: from where it is entered or resumed to where it ends or is
 * suspended. What the host does meanwhile on its behalf, without waiting, is part of it.
 */
export class CpuClock {
  readonly #task: Task;
  /** Since when guest code runs without a break, by `performance.now()`; negative when it does not. */
  #since = -1;

  constructor(task: Task) {
    this.#task = task;
  }

  start(): void {
    if (this.#since < 0) this.#since = performance.now();
  }

  stop(): void {
    if (this.#since < 0) return;
    this.#task.cpuMs += performance.now() - this.#since;
    this.#since = -1;
  }

  /** For how long guest code has run without a break, in milliseconds. */
  sliceMs(now: number): number {
    return this.#since < 0 ? 0 : now - this.#since;
  }
}

/** Guests that have run long and wait for their turn, by function. */
const lines = new Map<string, (() => void)[]>();

/**
 * A turn of the event loop. Of all guests that wait for one, each turn resumes one, and the functions take turns: what
 * everybody else waits is one guest's time, however many there are.
 *
 * A timer, for Deno seldom looks at its sockets before it has nothing else to do: with `setImmediate`, which is always
 * ready, requests waited for half a second.
 */
export function fairTurn(functionName: string): Promise<void> {
  return new Promise((resolve) => {
    const line = lines.get(functionName);
    if (line !== undefined) return void line.push(resolve);
    if (lines.size === 0) setTimeout(next, 0);
    lines.set(functionName, [resolve]);
  });
}

function next(): void {
  const [name, line] = lines.entries().next().value!;
  const resume = line.shift()!;
  lines.delete(name);
  // To the back: the others' turns come first.
  if (line.length > 0) lines.set(name, line);
  if (lines.size > 0) setTimeout(next, 0);
  resume();
}
