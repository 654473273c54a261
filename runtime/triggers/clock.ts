/**
 * Time, for what waits for it: a test moves it by hand.
 *
 * @module
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds, or when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest delay that `setTimeout` takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  sleep: (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.max(ms, 0), MAX_TIMEOUT_MS));
      signal.addEventListener("abort", wake, { once: true });
    }),
});
