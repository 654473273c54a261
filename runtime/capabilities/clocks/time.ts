/**
 * The clocks as every WASI version sees them.
 *
 * @module
 */

/** `performance.now()` counts in nanoseconds on Deno, yet reading it takes about this long. */
export const MONOTONIC_RESOLUTION_NS = 100n;

/** `Date.now()` counts milliseconds. */
export const WALL_RESOLUTION_NS = 1_000_000;

/** Nanoseconds of a clock that never goes back, from a beginning that means nothing. */
export function monotonicNow(): bigint {
  return nanoseconds(performance.now());
}

/** Milliseconds as nanoseconds, rounded up: a guest that was woken at an instant must not read an earlier one. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.ceil(milliseconds * 1e6));
}

/** The time of day, since 1970-01-01T00:00:00Z without leap seconds. */
export function wallNow(): { seconds: bigint; nanoseconds: number } {
  const now = Date.now();
  const seconds = Math.floor(now / 1000);
  return {
    seconds: BigInt(seconds),
    nanoseconds: (now - seconds * 1000) * 1_000_000,
  };
}

/** A guest lives in UTC, wherever the host stands: the same function answers the same in every region. */
export const localTime = Object.freeze({
  utcOffset: 0,
  name: "UTC",
  inDaylightSavingTime: false,
});
