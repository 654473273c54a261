/**
 * Waiting for something, but no longer than a task lasts.
 *
 * @module
 */
import type { Task } from "./task.ts";

/** `promise`, or a rejection with the reason why the task ended before. */
export function orEnd<T>(task: Task, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const forget = task.defer(() => reject(task.reason));
    promise.then(
      (value) => {
        forget();
        resolve(value);
      },
      (error) => {
        forget();
        reject(error);
      },
    );
  });
}
