/**
 * Hearing that a caller has left.
 *
 * @module
 */
import { afterTurn } from "./streams/turn.ts";
import type { Task } from "./task.ts";

/**
 * Ends tasks when their callers leave.
 *
 * To ask a request for its signal costs more than to serve most of them, so it is asked for when the turn of the event
 * loop in which the request came is over, and most tasks with it. Not later: Deno up to 2.8 tells a signal nothing that
 * happened before it was asked for.
 */
export class Callers {
  #unheard = new Map<Task, Request>();
  #listening = false;

  /** Ends `task` when the caller of `request` leaves, until {@linkcode forget}. */
  watch(task: Task, request: Request): void {
    this.#unheard.set(task, request);
    if (this.#listening) return;
    this.#listening = true;
    afterTurn(this.#listen);
  }

  /** What the caller does no longer matters to `task`. */
  forget(task: Task): void {
    if (!this.#unheard.delete(task)) task.detachCaller();
  }

  readonly #listen = (): void => {
    this.#listening = false;
    const unheard = this.#unheard;
    this.#unheard = new Map(); // A new one, for the reason that Roster has.
    for (const [task, request] of unheard) {
      if (!task.ended) task.attachCaller(request.signal);
    }
  };
}
