/**
 * Work that takes long, in steps: whoever does it while others are served lets them run in between.
 *
 * @module
 */

/** Work that yields where it could be interrupted, and returns what has been made. */
export type Steps<T> = Generator<void, T, void>;

/** Longer than a turn of the event loop takes by much, and too short for anyone to notice. */
const SLICE_MS = 10;

/**
 * Does some work without a pause.
 *
 * @example
 * ```ts
 * import { atOnce } from "./steps.ts";
 *
 * console.assert(atOnce((function* () {
 *   yield;
 *   return 7;
 * })()) === 7);
 * ```
 */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does some work while others run, sockets and timers included, every {@linkcode SLICE_MS}. */
export async function inTurns<T>(steps: Steps<T>, now: () => number = () => performance.now()): Promise<T> {
  for (let since = now();;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (now() - since < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = now();
  }
}
