/**
 * What host code waits for: a readiness that can be asked, and subscribed to without a promise for each asker.
 *
 * @module
 */

/** Something that is ready or becomes so. Level-triggered: it may stop being ready again. */
export interface Waitable {
  readonly ready: boolean;
  /** Calls `wake` at least once when this may have become ready. Returns a function that takes the subscription back. */
  subscribe(wake: () => void): () => void;
}

/** The subscribers of a {@linkcode Waitable}. */
export class Wakers {
  /** Most of them never get a subscriber. */
  #wakers: Set<() => void> | undefined;

  add(wake: () => void): () => void {
    (this.#wakers ??= new Set()).add(wake);
    return () => void this.#wakers?.delete(wake);
  }

  /** Wakes everyone who waits now, once. */
  wakeAll(): void {
    const wakers = this.#wakers;
    if (wakers === undefined || wakers.size === 0) return;
    this.#wakers = undefined;
    for (const wake of wakers) wake();
  }

  get size(): number {
    return this.#wakers?.size ?? 0;
  }
}

/**
 * The places of those that are ready. The clock is looked at once for all timers: there may be a hundred thousand.
 *
 * @example
 * ```ts
 * import { alwaysReady, readyAmong, timer } from "./waitable.ts";
 *
 * console.assert(readyAmong([timer(Infinity), alwaysReady, timer(0)]).join() === "1,2");
 * ```
 */
export function readyAmong(waitables: readonly Waitable[]): number[] {
  const places: number[] = [];
  let now: number | undefined;
  for (let i = 0; i < waitables.length; i++) {
    const waitable = waitables[i]!;
    const ready = waitable instanceof Timer ? waitable.at <= (now ??= performance.now()) : waitable.ready;
    if (ready) places.push(i);
  }
  return places;
}

/**
 * Resolves when one of `waitables` is ready, at once if one is. Leaves no subscription or timer behind, also when
 * `signal` aborts: then it never resolves, as nobody is left to go on.
 *
 * @example
 * ```ts
 * import { timer, waitAny } from "./waitable.ts";
 *
 * await waitAny([timer(performance.now() + 60_000), timer(performance.now())]);
 * ```
 */
export function waitAny(
  waitables: readonly Waitable[],
  signal?: AbortSignal,
): Promise<void> {
  if (readyAmong(waitables).length > 0) return Promise.resolve();
  const awaited = enough(waitables);
  return new Promise((resolve) => {
    const undo: (() => void)[] = [];
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      for (const unsubscribe of undo) unsubscribe();
      signal?.removeEventListener("abort", finish);
      if (!signal?.aborted) resolve();
    };
    const wake = () => {
      // A wake-up is a hint: only readiness counts, and only all of them together are worth a look.
      if (over) return;
      if (awaited.some((waitable) => waitable.ready)) finish();
      else resubscribe();
    };
    const resubscribe = () => {
      for (const unsubscribe of undo) unsubscribe();
      undo.length = 0;
      for (const waitable of awaited) {
        undo.push(waitable.subscribe(wake));
        if (over) {
          for (const unsubscribe of undo) unsubscribe();
          return;
        }
      }
    };
    signal?.addEventListener("abort", finish, { once: true });
    if (signal?.aborted) finish();
    else resubscribe();
  });
}

/** The longest delay that `setTimeout` takes; longer waits are made of several. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Ready once `performance.now()` has reached `at`, in milliseconds. `Infinity` is never. */
export function timer(at: number): Waitable {
  return new Timer(at);
}

class Timer implements Waitable {
  readonly at: number;

  constructor(at: number) {
    this.at = at;
  }

  get ready(): boolean {
    return performance.now() >= this.at;
  }

  subscribe(wake: () => void): () => void {
    let handle: ReturnType<typeof setTimeout> | undefined;
    const arm = () => {
      const left = this.at - performance.now();
      if (left <= 0) wake();
      else if (left !== Infinity) {
        handle = setTimeout(arm, Math.min(Math.ceil(left), MAX_TIMEOUT_MS));
      }
    };
    arm();
    return () => clearTimeout(handle);
  }
}

/**
 * Those of `waitables` that it is enough to wait for: each once, and of timers the first to fire. A guest may wait for a
 * hundred thousand of them, and again as often as it likes.
 */
function enough(waitables: readonly Waitable[]): readonly Waitable[] {
  if (waitables.length === 1) return waitables;
  const all = new Set<Waitable>();
  let first: Timer | undefined;
  for (const waitable of waitables) {
    if (!(waitable instanceof Timer)) all.add(waitable);
    else if (first === undefined || waitable.at < first.at) first = waitable;
  }
  if (first !== undefined) all.add(first);
  return [...all];
}

/** Always ready. */
export const alwaysReady: Waitable = Object.freeze({
  ready: true,
  subscribe(wake: () => void) {
    wake();
    return () => {};
  },
});

/** Ready once `promise` has settled, either way. */
export function settled(promise: Promise<unknown>): Waitable {
  let ready = false;
  const wakers = new Wakers();
  const done = () => {
    ready = true;
    wakers.wakeAll();
  };
  promise.then(done, done);
  return {
    get ready() {
      return ready;
    },
    subscribe: (wake) => wakers.add(wake),
  };
}
