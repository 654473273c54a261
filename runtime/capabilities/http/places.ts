/**
 * How many outgoing requests of a task may be under way.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { MAX_OUTGOING_OPEN } from "../../limits.ts";
import { taskLocal } from "../../task.ts";
import type { CallLife } from "./call_life.ts";
import { HttpFailure } from "./error_code.ts";

const places = taskLocal(() => ({ sent: 0, open: 0, busy: 0, queue: new Set<() => void>() }));

/**
 * Counts a request that the task sends, to whomever.
 *
 * @throws {HttpFailure} `connection-limit-reached`.
 */
export function countSent(): void {
  const task = places();
  const host = currentTask();
  const { outgoingRequests } = host.limits;
  if (task.sent >= outgoingRequests) {
    host.meet("outgoingRequests", "an outgoing request");
    throw new HttpFailure(
      "connection-limit-reached",
      `sending a request: this task has sent ${outgoingRequests} already (limits.outgoingRequests)`,
    );
  }
  task.sent++;
}

/**
 * Waits for a place to send a request. It lasts until the returned function is called, when the response's head is
 * there, or until the call ends. Unread bodies take no place, so that a guest may wait for many heads before it reads the
 * first body; they are bounded by themselves.
 *
 * @throws {HttpFailure} `connection-limit-reached`.
 */
export async function takePlace(life: CallLife): Promise<() => void> {
  const task = places();
  const host = currentTask();
  const { outgoingAtOnce } = host.limits;
  if (task.open >= MAX_OUTGOING_OPEN) {
    host.countLimit("request.openResponses");
    throw new HttpFailure(
      "connection-limit-reached",
      `sending a request: ${MAX_OUTGOING_OPEN} of this task are open already. Read or drop their responses.`,
    );
  }
  countSent();
  task.open++;
  life.onEnd(() => task.open--);
  if (task.busy >= outgoingAtOnce) host.countLimit("outgoingAtOnce");
  while (task.busy >= outgoingAtOnce && !life.over) {
    await new Promise<void>((resolve) => {
      task.queue.add(resolve);
      life.onEnd(() => {
        task.queue.delete(resolve);
        resolve();
      });
    });
  }
  const wakeNext = () => {
    const [next] = task.queue;
    if (next === undefined) return;
    task.queue.delete(next);
    next();
  };
  if (life.over) {
    // This call may have been woken for a place that it no longer wants.
    wakeNext();
    throw life.failure;
  }
  task.busy++;
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    task.busy--;
    wakeNext();
  };
  life.onEnd(release);
  return release;
}
