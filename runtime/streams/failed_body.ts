/**
 * A body whose writer's own stream failed, where the writer says so and then ends the body as if it were whole.
 *
 * StarlingMonkey does that: when the `ReadableStream` of a body fails, or can never go on, it writes a warning to stderr
 * and, as the very next thing, finishes the body (`outgoing-body.finish`), without trailers. Nothing else tells such an end
 * from a good one.
 *
 * @module
 */
import { maybeTask } from "../context.ts";
import type { Task } from "../task.ts";

/** As StarlingMonkey begins the warnings after which, if a body is still open, it finishes that body. */
const WARNINGS = [
  "Warning: body ReadableStream closed during body streaming.",
  "Warning: JS event loop terminated without completing the request.",
];

/** Tasks whose guests have said so. Few at any time, and mostly none: every body that ends asks. */
const failing = new Set<Task>();

/** Takes a line that the guest of `task` has written to stderr. */
export function noteFailedBody(task: Task, line: string): void {
  if (!line.startsWith("Warning: ") || !WARNINGS.some((warning) => line.startsWith(warning)) || task.ended) return;
  // A guest may write it as often as it likes, and each of what is left to do when it ends takes room.
  if (failing.has(task)) return;
  failing.add(task);
  task.defer(() => failing.delete(task));
}

/**
 * Whether a body of this task has failed, so that the one that its guest is finishing is none that is whole. If it is
 * another one, it is not either: when the body of an outgoing request fails, StarlingMonkey stops what else it is doing.
 *
 * @example
 * ```ts
 * import { withTask } from "../context.ts";
 * import { Task } from "../task.ts";
 * import { bodyHasFailed, noteFailedBody } from "./failed_body.ts";
 *
 * const task = new Task({ function: "hello" });
 * console.assert(!withTask(task, bodyHasFailed));
 * noteFailedBody(task, "Warning: body ReadableStream closed during body streaming. Exception: …");
 * console.assert(withTask(task, bodyHasFailed));
 * task.end();
 * ```
 */
export function bodyHasFailed(): boolean {
  return failing.size > 0 && failing.has(maybeTask()!);
}
