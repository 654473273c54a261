/**
 * Sources that watch over a body on its way: through a guest's hands, or out of them.
 *
 * @module
 */
import type { ByteSource, StreamState } from "../../streams/bytes.ts";
import { ChunkQueue } from "../../streams/chunk_queue.ts";
import { PassedSource } from "../../streams/passed.ts";
import { Wakers } from "../../streams/waitable.ts";

/** How a body ended for its reader. */
export type BodyEnd =
  | { readonly how: "closed" | "cancelled" }
  | { readonly how: "errored"; readonly error: unknown };

/** `source`, and a promise for how it ends, which settles when its reader has seen the end. */
export function watchEnd(source: ByteSource): { readonly source: ByteSource; readonly end: Promise<BodyEnd> } {
  const { promise, resolve } = Promise.withResolvers<BodyEnd>();
  return { source: new WatchedSource(source, resolve), end: promise };
}

class WatchedSource extends PassedSource {
  readonly #ended: (end: BodyEnd) => void;

  constructor(inner: ByteSource, ended: (end: BodyEnd) => void) {
    super(inner);
    this.#ended = ended;
  }

  override get state(): StreamState {
    const state = super.state;
    if (state === "closed") this.#ended({ how: "closed" });
    else if (state === "errored") this.#ended({ how: "errored", error: super.error });
    return state;
  }

  override take(max: number): Uint8Array<ArrayBuffer> {
    const taken = super.take(max);
    void this.state;
    return taken;
  }

  override lend(max: number): Uint8Array<ArrayBuffer> {
    const lent = super.lend(max);
    void this.state;
    return lent;
  }

  override cancel(reason?: unknown): void {
    // It may have ended before.
    void this.state;
    super.cancel(reason);
    this.#ended({ how: "cancelled" });
  }
}

/** `source`, with what `map` makes of its error. */
export function withError(source: ByteSource, map: (error: unknown) => unknown): ByteSource {
  return new MappedSource(source, map);
}

class MappedSource extends PassedSource {
  readonly #map: (error: unknown) => unknown;

  constructor(inner: ByteSource, map: (error: unknown) => unknown) {
    super(inner);
    this.#map = map;
  }

  override get error(): unknown {
    return this.#map(super.error);
  }
}

/**
 * A source whose first bytes can be fetched before anyone asks for them, so that a short body is there as a whole when
 * its message is.
 */
export class ReadAhead implements ByteSource {
  readonly #inner: ByteSource;
  readonly #queue = new ChunkQueue();

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  /** Fetches up to `maxBytes`. Resolves when that is done, or `inner` has ended; `stop` gives up before. */
  fetch(maxBytes: number): { readonly done: Promise<void>; readonly stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let unsubscribe = () => {};
    let over = false;
    const stop = () => {
      over = true;
      unsubscribe();
      resolve();
    };
    const pump = () => {
      unsubscribe();
      while (!over) {
        const chunk = this.#inner.take(maxBytes - this.#queue.size);
        this.#queue.push(chunk);
        if (this.#queue.size >= maxBytes || this.#inner.state !== "open") return stop();
        // A writer that waited for this goes on in a microtask, and may have more by then.
        if (chunk.byteLength === 0) break;
      }
      if (!over) unsubscribe = this.#inner.subscribe(() => queueMicrotask(pump));
    };
    pump();
    return { done: promise, stop };
  }

  get state(): StreamState {
    return this.#queue.size > 0 ? "open" : this.#inner.state;
  }

  get error(): unknown {
    return this.#inner.error;
  }

  get ready(): boolean {
    return this.#queue.size > 0 || this.#inner.ready;
  }

  get remaining(): number | undefined {
    if (this.#inner.state === "closed") return this.#queue.size;
    const { remaining } = this.#inner;
    return remaining === undefined ? undefined : remaining + this.#queue.size;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    return this.#queue.size > 0 ? this.#queue.take(max) : this.#inner.take(max);
  }

  cancel(reason?: unknown): void {
    this.#queue.clear();
    this.#inner.cancel(reason);
  }

  subscribe(wake: () => void): () => void {
    return this.#inner.subscribe(wake);
  }
}

/** What is asked of a body that a guest writes. */
export interface GuestBodyOptions {
  /** From `content-length`, where it counts. */
  readonly length: number | undefined;
  /** What to fail with when `written` bytes are not what was announced. */
  readonly wrongLength: (written: number) => unknown;
  /** Settles with the trailers; a rejection breaks the body off at once. */
  readonly trailers: Promise<unknown>;
}

/**
 * A guest's stream as the body of a message: it ends only when the trailers are there, and breaks off when they are an
 * error or the length is not the one announced.
 */
export class GuestBodySource implements ByteSource {
  readonly #inner: ByteSource;
  readonly #options: GuestBodyOptions;
  readonly #wakers = new Wakers();
  #state: StreamState = "open";
  #error: unknown;
  #trailersDone = false;
  #taken = 0;

  constructor(inner: ByteSource, options: GuestBodyOptions) {
    this.#inner = inner;
    this.#options = options;
    options.trailers.then(() => {
      this.#trailersDone = true;
      this.#wakers.wakeAll();
    }, (error) => this.breakOff(error));
  }

  get state(): StreamState {
    this.#advance();
    return this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  get ready(): boolean {
    return this.state !== "open" || (this.#inner.state === "open" && this.#inner.ready);
  }

  get remaining(): number | undefined {
    if (this.state !== "open") return this.#state === "closed" ? 0 : undefined;
    const { remaining } = this.#inner;
    if (remaining === undefined || !this.#trailersDone) return undefined;
    const { length } = this.#options;
    return length === undefined || this.#taken + remaining === length ? remaining : undefined;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    if (this.#state !== "open") return new Uint8Array(0);
    const taken = this.#inner.take(max);
    this.#taken += taken.byteLength;
    const { length } = this.#options;
    if (length === undefined || this.#taken <= length) return taken;
    this.breakOff(this.#options.wrongLength(this.#taken));
    return new Uint8Array(0);
  }

  cancel(reason?: unknown): void {
    if (this.#state !== "open") return;
    this.#end("closed");
    this.#inner.cancel(reason);
  }

  subscribe(wake: () => void): () => void {
    const forget = this.#wakers.add(wake);
    if (this.#inner.state !== "open") return forget;
    const unsubscribe = this.#inner.subscribe(wake);
    return () => {
      forget();
      unsubscribe();
    };
  }

  /** The end, broken off, unless it has ended before. */
  breakOff(error: unknown): void {
    if (this.#state !== "open") return;
    this.#error = error;
    this.#end("errored");
    this.#inner.cancel(error);
  }

  #advance(): void {
    if (this.#state !== "open") return;
    const { state } = this.#inner;
    if (state === "errored") return this.breakOff(this.#inner.error);
    if (state === "open") return;
    const { length } = this.#options;
    if (length !== undefined && this.#taken < length) {
      return this.breakOff(this.#options.wrongLength(this.#taken));
    }
    if (this.#trailersDone) this.#end("closed");
  }

  #end(state: StreamState): void {
    this.#state = state;
    this.#wakers.wakeAll();
  }
}
