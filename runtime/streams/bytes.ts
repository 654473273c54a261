/**
 * Byte streams inside the host: a source to read from, a sink to write to, and a channel that is both.
 *
 * Web streams cost a promise for each step, and a guest that polls asks far more often than it reads. These answer at
 * once, and are turned into Web streams only at the edge.
 *
 * @module
 */
import { STREAM_BURST_BYTES, STREAM_HIGH_WATER_BYTES } from "../limits.ts";
import { ChunkQueue, NO_BYTES } from "./chunk_queue.ts";
import { type Waitable, Wakers } from "./waitable.ts";

/** Where a stream stands. `closed` and `errored` are final, and reached by a reader only after the last byte. */
export type StreamState = "open" | "closed" | "errored";

/** Bytes to read. Ready when there are bytes, or none will come. */
export interface ByteSource extends Waitable {
  readonly state: StreamState;
  /** Why it is `errored`. */
  readonly error: unknown;
  /** How many bytes are left, once the writer has ended in good order; `undefined` while more may come. */
  readonly remaining?: number | undefined;
  /** Takes at most `max` of the bytes that are there; empty when there are none now. Never waits. */
  take(max: number): Uint8Array<ArrayBuffer>;
  /**
   * As `take`, but on loan: the bytes are right until the source is asked for anything again, or other code runs. Who
   * copies them at once spares a source that reads into a buffer of its own a new one each time. Without it, `take` does.
   */
  lend?(max: number): Uint8Array<ArrayBuffer>;
  /** As `take` of all that is left, once the writer has ended, where the source has that as text: few bytes, all ASCII. */
  takeText?(): string | undefined;
  /** The reader wants no more. Harmless when it has ended. */
  cancel(reason?: unknown): void;
}

/** Bytes to write. Ready when there is room, or no more will be taken. */
export interface ByteSink extends Waitable {
  readonly state: StreamState;
  readonly error: unknown;
  /** How many bytes may be written now. Writing more is allowed, and is what backpressure asks a writer not to do. */
  readonly room: number;
  /** Whether everything that was written has been handed on. */
  readonly flushed: boolean;
  /** Takes `chunk`, which the writer must not touch again. Does nothing unless `open`. */
  write(chunk: Uint8Array<ArrayBuffer>): void;
  /** As `write`, but takes a copy of `bytes`, which may be a guest's memory. Without it, `write` is given a copy. */
  append?(bytes: Uint8Array): void;
  /** The end, in good order. */
  close(): void;
  /** The end, broken off: a reader that has read all bytes gets `error`. */
  abort(error: unknown): void;
}

/** Who takes all that there is room for twice within so long is fast, and who needs longer than the other is slow. */
const FAST_MS = 8;
const SLOW_MS = 100;

/** Takes at most `max` bytes of `source` that will be copied before anything else happens. */
export function lend(source: ByteSource, max: number): Uint8Array<ArrayBuffer> {
  return source.lend === undefined ? source.take(max) : source.lend(max);
}

/** Writes a copy of `bytes`. */
export function append(sink: ByteSink, bytes: Uint8Array): void {
  if (sink.append === undefined) sink.write(bytes.slice());
  else sink.append(bytes);
}

/** How much a {@linkcode ByteChannel} holds. */
export interface ByteChannelOptions {
  /** So many bytes may wait between writer and reader. Default: {@linkcode STREAM_HIGH_WATER_BYTES}. */
  readonly highWater?: number;
  /** So many, while the reader takes them fast. Default: {@linkcode STREAM_BURST_BYTES}, or `highWater` if that is given. */
  readonly burst?: number;
  /** Milliseconds from anywhen, to tell a fast reader. */
  readonly clock?: () => number;
}

/**
 * A pipe inside the host: what is written to `sink` is read from `source`, and no more than about `highWater` bytes
 * wait in between if the writer minds `room`; up to `burst` while a reader is so fast that they do not wait long.
 *
 * @example
 * ```ts
 * import { ByteChannel } from "./bytes.ts";
 *
 * const { sink, source } = new ByteChannel();
 * sink.write(new Uint8Array([1, 2, 3]));
 * sink.close();
 * console.assert(source.take(2).length === 2 && source.take(2).length === 1 && source.state === "closed");
 * ```
 */
export class ByteChannel {
  readonly source: ByteSource;
  readonly sink: ByteSink;

  /** @param options A number is its `highWater`. */
  constructor(options: number | ByteChannelOptions = DEFAULTS) {
    const pipe = new Pipe(typeof options === "number" ? { highWater: options } : options);
    this.source = new PipeSource(pipe);
    this.sink = new PipeSink(pipe);
  }
}

const DEFAULTS: ByteChannelOptions = { burst: STREAM_BURST_BYTES };

/** What the two ends of a channel share. Classes, as an object of closures for each end costs a small request dearly. */
class Pipe {
  readonly burst: number;
  readonly queue = new ChunkQueue();
  readonly readers = new Wakers();
  readonly writers = new Wakers();
  /** The end as the writer set it; a reader sees it once the queue is empty. */
  state: StreamState = "open";
  error: unknown = undefined;
  /** How many bytes may wait now. It changes only where there is no room, so none is taken back. */
  most: number;
  readonly #highWater: number;
  readonly #clock: () => number;
  /** When a reader took something last while there was no room. */
  #drainedAt = -Infinity;

  constructor({ highWater = STREAM_HIGH_WATER_BYTES, burst = highWater, clock = Date.now }: ByteChannelOptions) {
    this.most = this.#highWater = highWater;
    this.burst = burst;
    this.#clock = clock;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    const { queue } = this;
    const isFull = queue.size >= this.most;
    const taken = queue.take(max);
    if (taken.byteLength === 0) return taken;
    if (isFull && this.burst > this.#highWater) this.#pace();
    if (queue.size < this.most) this.writers.wakeAll();
    return taken;
  }

  #pace(): void {
    const now = this.#clock();
    const took = now - this.#drainedAt;
    this.#drainedAt = now;
    if (took <= FAST_MS) this.most = Math.min(this.most * 2, this.burst);
    else if (took > SLOW_MS) this.most = this.#highWater;
  }

  end(state: StreamState, error?: unknown): void {
    if (this.state !== "open") return;
    this.state = state;
    this.error = error;
    this.readers.wakeAll();
    this.writers.wakeAll();
  }
}

class PipeSource implements ByteSource {
  readonly #pipe: Pipe;

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
  }

  get state(): StreamState {
    return this.#pipe.queue.size > 0 ? "open" : this.#pipe.state;
  }

  get error(): unknown {
    return this.#pipe.error;
  }

  get ready(): boolean {
    return this.#pipe.queue.size > 0 || this.#pipe.state !== "open";
  }

  get remaining(): number | undefined {
    return this.#pipe.state === "closed" ? this.#pipe.queue.size : undefined;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    return this.#pipe.take(max);
  }

  takeText(): string | undefined {
    return this.#pipe.state === "closed" ? this.#pipe.queue.takeText() : undefined;
  }

  cancel(): void {
    this.#pipe.queue.clear();
    this.#pipe.end("closed");
    this.#pipe.writers.wakeAll();
  }

  subscribe(wake: () => void): () => void {
    return this.#pipe.readers.add(wake);
  }
}

class PipeSink implements ByteSink {
  readonly #pipe: Pipe;

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
  }

  get state(): StreamState {
    return this.#pipe.state;
  }

  get error(): unknown {
    return this.#pipe.error;
  }

  get room(): number {
    const { state, most, queue } = this.#pipe;
    return state === "open" ? Math.max(0, most - queue.size) : 0;
  }

  get flushed(): boolean {
    return this.#pipe.queue.size === 0;
  }

  get ready(): boolean {
    return this.#pipe.state !== "open" || this.#pipe.queue.size < this.#pipe.most;
  }

  write(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#pipe.state !== "open" || chunk.byteLength === 0) return;
    this.#pipe.queue.push(chunk);
    this.#pipe.readers.wakeAll();
  }

  append(bytes: Uint8Array): void {
    const { state, queue, most, readers } = this.#pipe;
    if (state !== "open" || bytes.byteLength === 0) return;
    queue.append(bytes, most);
    readers.wakeAll();
  }

  close(): void {
    this.#pipe.end("closed");
  }

  abort(error: unknown): void {
    this.#pipe.end("errored", error);
  }

  subscribe(wake: () => void): () => void {
    return this.#pipe.writers.add(wake);
  }
}

/** A source that has ended. */
export const emptySource: ByteSource = Object.freeze({
  state: "closed" as const,
  error: undefined,
  ready: true,
  remaining: 0,
  take: () => NO_BYTES,
  cancel: () => {},
  subscribe(wake: () => void) {
    wake();
    return () => {};
  },
});
