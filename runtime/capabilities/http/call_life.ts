/**
 * How long an outgoing request may take in each of its stages, and how it is called off.
 *
 * @module
 */
import { HttpFailure, type PlainErrorTag } from "./error_code.ts";

/** How long a stage may take, and what it is called when it took longer. */
export interface StageLimit {
  readonly ms: number;
  readonly tag: PlainErrorTag;
  /** When there was progress last, by `performance.now()`; the time counts from there. */
  readonly since?: () => number;
}

/** A limit, if there is a time. */
export function stageLimit(ms: number | undefined, tag: PlainErrorTag, since?: () => number): StageLimit | undefined {
  return ms === undefined ? undefined : { ms, tag, ...(since === undefined ? {} : { since }) };
}

/**
 * The life of one outgoing request: it ends once, with a reason or without, and whoever holds something for it lets go.
 *
 * @example
 * ```ts
 * import { CallLife } from "./call_life.ts";
 *
 * const life = new CallLife();
 * const slow = life.within({ ms: 1, tag: "connection-timeout" }, () => new Promise(() => {}));
 * await slow.catch((error) => console.assert(error.payload.tag === "connection-timeout"));
 * console.assert(life.over);
 * ```
 */
export class CallLife {
  #over = false;
  #failure: unknown;
  #cleanups = new Set<(failure: unknown) => void>();

  get over(): boolean {
    return this.#over;
  }

  /** Why it ended, if it did not end well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Ends it. Later calls do nothing. */
  end(failure?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    for (const cleanup of this.#cleanups) cleanup(failure);
    this.#cleanups.clear();
  }

  /** Runs `cleanup` at the end, at once if it is over. Returns a function that takes it back. */
  onEnd(cleanup: (failure: unknown) => void): () => void {
    if (this.#over) cleanup(this.#failure);
    else this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  /** What `step` resolves to, unless the call ends before, or the limit is reached, which ends the call. */
  within<T>(limit: StageLimit | undefined, step: () => Promise<T>): Promise<T> {
    if (limit !== undefined && limit.ms <= 0) this.#timedOut(limit);
    if (this.#over) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const forget = this.onEnd(reject);
      const disarm = limit === undefined ? () => {} : this.#arm(limit);
      step().then(resolve, reject).finally(() => {
        disarm();
        forget();
      });
    });
  }

  #timedOut({ tag, ms }: StageLimit): void {
    this.end(new HttpFailure(tag, `sending a request: ${tag} after ${Math.round(ms)} ms`));
  }

  #arm(limit: StageLimit): () => void {
    const { ms, since } = limit;
    const began = performance.now();
    let handle: ReturnType<typeof setTimeout>;
    const check = () => {
      const left = ms - (performance.now() - Math.max(began, since?.() ?? began));
      if (left <= 0) this.#timedOut(limit);
      // `setTimeout` takes a longer delay for none.
      else handle = setTimeout(check, Math.min(Math.ceil(left), 2 ** 31 - 1));
    };
    handle = setTimeout(check, Math.min(Math.ceil(ms), 2 ** 31 - 1));
    return () => clearTimeout(handle);
  }
}
