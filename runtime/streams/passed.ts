/**
 * Sources that pass on what another source gives.
 *
 * @module
 */
import { type ByteSource, lend, type StreamState } from "./bytes.ts";

/**
 * Gives what `inner` gives. A subclass overrides what is to be different, and asks `super` for the rest; who overrides
 * `take` overrides `lend`, for a reader may use either. Text is not passed on: it would go past who watches the bytes.
 *
 * @example
 * ```ts
 * import { emptySource } from "./bytes.ts";
 * import { PassedSource } from "./passed.ts";
 *
 * class Never extends PassedSource {
 *   override get ready() {
 *     return false;
 *   }
 * }
 * const never = new Never(emptySource);
 * console.assert(!never.ready && never.state === "closed");
 * ```
 */
export class PassedSource implements ByteSource {
  readonly #inner: ByteSource;

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get state(): StreamState {
    return this.#inner.state;
  }

  get error(): unknown {
    return this.#inner.error;
  }

  get ready(): boolean {
    return this.#inner.ready;
  }

  get remaining(): number | undefined {
    return this.#inner.remaining;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    return this.#inner.take(max);
  }

  lend(max: number): Uint8Array<ArrayBuffer> {
    return lend(this.#inner, max);
  }

  cancel(reason?: unknown): void {
    this.#inner.cancel(reason);
  }

  subscribe(wake: () => void): () => void {
    return this.#inner.subscribe(wake);
  }
}

type OnEnd = (how: "closed" | "errored" | "cancelled", reason?: unknown) => void;

/**
 * `source`, which calls `onEnd` once: when its reader has seen the end, or has cancelled it.
 */
export function tellEnd(source: ByteSource, onEnd: OnEnd): ByteSource {
  return new ToldSource(source, onEnd);
}

class ToldSource extends PassedSource {
  #onEnd: OnEnd | undefined;

  constructor(inner: ByteSource, onEnd: OnEnd) {
    super(inner);
    this.#onEnd = onEnd;
  }

  override get state(): StreamState {
    const state = super.state;
    if (state !== "open") this.#tell(state, super.error);
    return state;
  }

  override take(max: number): Uint8Array<ArrayBuffer> {
    const taken = super.take(max);
    // Who takes all that is left of a body that has ended need not ask how it ended.
    if (super.remaining === 0) this.#tell("closed");
    return taken;
  }

  override lend(max: number): Uint8Array<ArrayBuffer> {
    const lent = super.lend(max);
    if (super.remaining === 0) this.#tell("closed");
    return lent;
  }

  override cancel(reason?: unknown): void {
    if (super.state === "open") this.#tell("cancelled", reason);
    super.cancel(reason);
  }

  #tell(how: "closed" | "errored" | "cancelled", reason?: unknown): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(how, reason);
  }
}
