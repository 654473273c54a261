/**
 * How much fuel to grant, so that a guest looks about every millisecond.
 *
 * @module
 */

/** What a look is wanted after. */
const TARGET_MS = 1;

/** What a guest gets of which nothing is known: less than a millisecond of common code. */
const FIRST_GRANT = 1_000_000;

/** No guest gets less, for a look takes about a tenth of a microsecond. */
const LEAST_GRANT = 50_000;

/**
 * No guest gets more: one that has taught its host how cheap its units are may then do what is dear, 2.6 ns for a unit,
 * and so run for twenty milliseconds at most before it looks.
 */
const MOST_GRANT = 8_000_000;

/**
 * The grants of one guest.
 *
 * @example
 * ```ts
 * import { Pace } from "./pace.ts";
 *
 * const pace = new Pace();
 * const first = pace.grant;
 * pace.took(0.25); // milliseconds from grant to look
 * console.assert(pace.grant > first);
 * ```
 */
export class Pace {
  #grant = FIRST_GRANT;

  /** What to grant next. */
  get grant(): number {
    return this.#grant;
  }

  /** Learns that the last grant was used up after `ms` milliseconds of the guest's own running. */
  took(ms: number): void {
    // A clock that stands still, or a guest that was waiting for its processor, must not move it far.
    const factor = Math.min(Math.max(TARGET_MS / Math.max(ms, 0.001), 0.125), 2);
    this.#grant = Math.round(Math.min(Math.max(this.#grant * factor, LEAST_GRANT), MOST_GRANT));
  }
}
