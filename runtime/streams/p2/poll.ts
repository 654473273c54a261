/**
 * `wasi:io/poll` 0.2 over {@linkcode Waitable}.
 *
 * @module
 */
import { currentTask, enterTask } from "../../context.ts";
import { yieldTurn } from "../turn.ts";
import { readyAmong, type Waitable, waitAny } from "../waitable.ts";
import { trap } from "./error.ts";

/**
 * The resource `wasi:io/poll.pollable`.
 *
 * It subscribes to nothing until somebody waits and leaves nothing behind after that, so a guest may make as many as
 * its table of handles holds.
 */
export class Pollable {
  readonly #waitable: Waitable;

  constructor(waitable: Waitable) {
    this.#waitable = waitable;
  }

  static waitableOf(pollable: Pollable): Waitable {
    return pollable.#waitable;
  }

  ready(): boolean {
    return this.#waitable.ready;
  }

  block(): Promise<void> | undefined {
    return waitUntilReady(this.#waitable);
  }

  [Symbol.dispose](): void {}
}

/**
 * Waits until `waitable` is ready or the task is over; in the latter case for ever. No promise where nothing is to be
 * waited for: most writes and reads are like this, and each promise costs as much as the rest of the call.
 */
export function waitUntilReady(waitable: Waitable): Promise<void> | undefined {
  return waitable.ready ? yieldTurn() : becomesReady(waitable);
}

async function becomesReady(waitable: Waitable): Promise<void> {
  enterTask();
  const { signal } = currentTask();
  while (!waitable.ready) await waitAny([waitable], signal);
}

/**
 * Waits until at least one of `pollables` is ready, and answers with the indexes of all that are. No promise where one
 * is ready now, unless others have to have their turn.
 *
 * Traps on an empty list, as nothing could end that wait.
 *
 * @example
 * ```ts
 * import { withTask } from "../../context.ts";
 * import { Task } from "../../task.ts";
 * import { timer } from "../waitable.ts";
 * import { poll, Pollable } from "./poll.ts";
 *
 * const task = new Task({ function: "hello" });
 * const ready = await withTask(task, () =>
 *   poll([new Pollable(timer(Infinity)), new Pollable(timer(performance.now() + 1))]));
 * console.assert(ready.length === 1 && ready[0] === 1);
 * task.end();
 * ```
 */
export function poll(pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
  if (pollables.length > FEW) checkLength(pollables.length);
  const waitables = pollables.map(Pollable.waitableOf);
  const ready = readyAmong(waitables);
  if (ready.length === 0) return oneBecomesReady(waitables);
  const turn = yieldTurn();
  const places = Uint32Array.from(ready);
  return turn === undefined ? places : turn.then(() => places);
}

/** Fewer than any limit of handles that is worth asking for. */
const FEW = 1000;

/** A list may name a pollable again and again; one longer than what there can be different ones is there to keep us busy. */
function checkLength(length: number): void {
  const task = currentTask();
  const { handles } = task.limits;
  if (length <= handles) return;
  task.countLimit("handles");
  throw trap("wasi:io/poll#poll", `${length} pollables at once, and a guest may have ${handles} (limits.handles)`);
}

async function oneBecomesReady(waitables: readonly Waitable[]): Promise<Uint32Array> {
  if (waitables.length === 0) {
    throw trap("wasi:io/poll#poll", "the list of pollables is empty");
  }
  const { signal } = currentTask();
  for (;;) {
    await waitAny(waitables, signal);
    const ready = readyAmong(waitables);
    if (ready.length > 0) return Uint32Array.from(ready);
  }
}
