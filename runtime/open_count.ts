/**
 * How much of something a task has open: each may be memory, a file or a connection of the host.
 *
 * @module
 */
import { taskLocal } from "./task.ts";

/**
 * A count for each task. Calling what is returned counts one more, of `most`, or throws what `refusal` says; calling what
 * that returns gives it back, and later calls do nothing.
 *
 * @example
 * ```ts
 * import { withTask } from "./context.ts";
 * import { openCount } from "./open_count.ts";
 * import { Task } from "./task.ts";
 *
 * const take = openCount();
 * const task = new Task({ function: "hello" });
 * withTask(task, () => {
 *   const giveBack = take(1, () => new Error("one is open"));
 *   giveBack();
 *   take(1, () => new Error("one is open"));
 * });
 * task.end();
 * ```
 */
export function openCount(): (most: number, refusal: () => Error) => () => void {
  const counts = taskLocal(() => ({ open: 0 }));
  return function take(most, refusal) {
    const count = counts();
    if (count.open >= most) throw refusal();
    count.open++;
    let taken = true;
    return () => {
      if (taken) count.open--;
      taken = false;
    };
  };
}
