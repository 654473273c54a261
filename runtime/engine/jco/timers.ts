/**
 * The timers of one isolate.
 *
 * jco's code for WASI 0.3 looks every ten milliseconds whether a waiting guest can go on. That is slow for a guest that
 * has something to do and much for a thousand that have not. Here it looks as soon as something happened, and otherwise
 * less and less often.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";

/** The delay by which jco's look can be told from other timers. */
const JCO_TICK_MS = 10;

/** The longest time between two looks, in case that something happened which nobody told of. */
const MAX_TICK_MS = 64;

/** What a timer is known by. */
export type TimerId = ReturnType<typeof setTimeout>;

/** Timers that stop with their isolate. */
export class IsolateTimers {
  readonly #timers = new Set<TimerId>();
  readonly #soon = new Set<ReturnType<typeof setImmediate>>();
  /** Looks that wait for something to happen. */
  readonly #ticks = new Map<() => void, ReturnType<typeof setTimeout>>();
  #tickMs = 0;
  #stopped = false;

  set(callback: () => void, delay: number): void {
    if (this.#stopped) return;
    if (delay === JCO_TICK_MS) this.#tick(callback);
    else if (delay === 0) this.#next(callback);
    else this.#later(callback, delay);
  }

  /** Calls `callback` again and again: by this jco waits for futures that the guest is to write. */
  every(callback: () => void, delay: number): TimerId | undefined {
    if (this.#stopped) return undefined;
    const timer = setInterval(callback, delay);
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: TimerId | undefined): void {
    clearTimeout(timer);
    if (timer !== undefined) this.#timers.delete(timer);
  }

  /** Something happened: looks at once, and often for a while. */
  wake(): void {
    this.#tickMs = 0;
    for (const [callback, timer] of this.#ticks) {
      clearTimeout(timer);
      this.#timers.delete(timer);
      this.#next(callback);
    }
    this.#ticks.clear();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const timer of this.#soon) clearImmediate(timer);
    this.#timers.clear();
    this.#soon.clear();
    this.#ticks.clear();
  }

  #tick(callback: () => void): void {
    if (this.#tickMs === 0) {
      this.#tickMs = 1;
      return this.#next(callback);
    }
    this.#ticks.set(
      callback,
      this.#later(() => {
        this.#ticks.delete(callback);
        callback();
      }, this.#tickMs),
    );
    this.#tickMs = Math.min(this.#tickMs * 2, MAX_TICK_MS);
  }

  #later(callback: () => void, delay: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, delay);
    this.#timers.add(timer);
    return timer;
  }

  #next(callback: () => void): void {
    const timer = setImmediate(() => {
      this.#soon.delete(timer);
      callback();
    });
    this.#soon.add(timer);
  }
}
