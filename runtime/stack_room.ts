/**
 * Whether there is stack left.
 *
 * A guest calls the host on a stack that it has used as it likes. Where the host's own code runs out of it half-way, what it
 * was to clean up is lost.
 *
 * @module
 */

/** What a call is given so that it takes stack: each a word of it. */
const WORDS: readonly number[] = Object.freeze(Array<number>(1000).fill(0));

/** So many calls of that size, about 64 KiB: several times what ending a task takes. */
const CALLS = 8;

function takes(calls: number, ..._words: readonly number[]): number {
  return calls === 0 ? 0 : 1 + takes(calls - 1, ...WORDS);
}

/**
 * Whether there is enough stack for what must not stop half-way. Costs some microseconds.
 *
 * @example
 * ```ts
 * import { hasStackRoom } from "./stack_room.ts";
 *
 * console.assert(hasStackRoom());
 * const isFull = (): boolean => hasStackRoom() ? isFull() : true;
 * console.assert(isFull());
 * ```
 */
export function hasStackRoom(): boolean {
  try {
    return takes(CALLS) === CALLS;
  } catch {
    return false;
  }
}
