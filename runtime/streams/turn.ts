/**
 * Letting others run: host calls that never have to wait must not keep the event loop to one guest.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import { taskLocal } from "../task.ts";

/** How long a guest may go from one host call that need not wait to the next before others get a turn. */
const TURN_MS = 1;

const since = taskLocal(() => ({ at: performance.now() }));

/**
 * A turn of the event loop, if this task has run for a while without one; nothing otherwise.
 *
 * A promise that is already settled resumes a guest before any timer or socket is looked at: a guest that polls what is
 * always ready, or writes to a reader that is always ahead, would starve everyone and outlive its own deadline.
 *
 * @example
 * ```ts
 * import { withTask } from "../context.ts";
 * import { Task } from "../task.ts";
 * import { yieldTurn } from "./turn.ts";
 *
 * const task = new Task({ function: "hello" });
 * await withTask(task, async () => await yieldTurn());
 * task.end();
 * ```
 */
export function yieldTurn(): Promise<void> | undefined {
  const last = since();
  const now = performance.now();
  if (now - last.at < TURN_MS) return undefined;
  return new Promise((resolve) =>
    setImmediate(() => {
      last.at = performance.now();
      resolve();
    })
  );
}

/** Calls `body` after everything that is ready now had its turn. Returns a function that takes it back. */
export function afterTurn(body: () => void): () => void {
  // Bound: what a closure made here holds can outlive many requests, until all of memory is collected.
  return clearImmediate.bind(null, setImmediate(body));
}
