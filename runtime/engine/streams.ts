/**
 * Streams and futures between host code and guests, the same on every engine. Host code uses these helpers and never
 * touches what an engine has made.
 *
 * ## What a host function gets
 *
 * | WIT | it gets | and calls |
 * | --- | --- | --- |
 * | `stream<u8>` | a {@linkcode ByteSource}, or an object with `read({ count })` and `[Symbol.dispose]()` (jco) | {@linkcode readGuestStream}, {@linkcode dropGuestStream} |
 * | `stream<T>` | an async iterator of single elements; `return()` drops the readable end | `for await` |
 * | `future<T>` | a thenable that reads the future at its first `then`, and perhaps `[Symbol.dispose]()` to drop it unread | {@linkcode readGuestFuture}, {@linkcode dropGuestFuture} |
 *
 * It owns what it got: every stream and future is read to its end or dropped, once.
 *
 * - A read completes with what the guest has written, at most what was asked for: chunks are the guest's own, cut to size.
 *   As long as the host does not read, the guest's `stream.write` stays blocked. Nothing is read ahead but one chunk.
 * - The guest drops its writable end: the source is `closed` after the last byte. The host drops its readable end
 *   (`cancel`): the guest's write ends with `DROPPED`.
 * - The isolate ends (trap, exit, deadline, disposal) while a stream is open: the source is `errored` at once, with the
 *   reason, and a future's promise rejects. The helpers see to it when the task ends; an engine that cannot tell a trap
 *   by it lets {@linkcode Isolate.ended} say so.
 * - A `result` inside a future, a parameter or a record is `{ tag: "ok", val }` or `{ tag: "err", val }`.
 *
 * ## What a host function returns
 *
 * | WIT | it returns | made by |
 * | --- | --- | --- |
 * | `stream<u8>` | a {@linkcode HostStream} around a `ByteSource` | {@linkcode toGuestStream} |
 * | `stream<T>` | an async iterable of elements | a generator |
 * | `future<T>` | a `Promise`, which must not reject | {@linkcode toGuestResult} for `future<result<T, E>>` |
 *
 * - `next()` is called when the guest reads and nothing is left of the last chunk: a guest that does not read stops the
 *   source. `return()` is called when the guest drops its readable end. An engine may use {@linkcode HostStream.source}
 *   instead of the iterator, and copy straight into the guest's memory; then it has to see to it that others get a turn
 *   of the event loop (`yieldTurn`).
 * - A stream never fails: WIT has no error in it, and an iterator that throws would trap the guest. A source that is
 *   `errored` ends, and the future that WIT puts beside the stream says why.
 * - Whether a guest reads a future that it got, or drops it, host code is not told.
 *
 * ## Calls that a guest takes back
 *
 * A guest can cancel an `async` import while it waits (`subtask.cancel`). The engine then looks for {@linkcode CALL_OFF}
 * on the promise that the host function returned, calls it, and forgets the promise: nothing of it reaches the guest,
 * which is told that its call was cancelled. A promise without it is waited for. {@linkcode calledOff} makes such
 * promises; a function that returns one is marked with `waits`, for the promise of an `async` function is another one.
 *
 * ## Exports
 *
 * An exported async function gets and returns the same values. Its promise settles when the guest calls `task.return`,
 * while the guest may run on: it resolves with the `ok` payload, rejects with the `err` payload (see
 * {@linkcode guestError}), with what a host function threw that was no `result` error (so `exit` can be told), or with
 * the trap. {@linkcode Isolate.ended} settles when the last guest task is over.
 *
 * @module
 */
import { maybeTask, withTask } from "../context.ts";
import { WitError } from "../errors.ts";
import { STREAM_HIGH_WATER_BYTES } from "../limits.ts";
import { type ByteSource, emptySource, type StreamState } from "../streams/bytes.ts";
import { ChunkQueue } from "../streams/chunk_queue.ts";
import { yieldTurn } from "../streams/turn.ts";
import { waitAny, Wakers } from "../streams/waitable.ts";
import { taskLocal } from "../task.ts";

/** A `result` as a value. A function's own result is returned, or thrown as {@linkcode WitError}, instead. */
export type Result<T, E> =
  | { readonly tag: "ok"; readonly val?: T }
  | { readonly tag: "err"; readonly val: E };

/** What jco makes of a `stream<u8>` that a guest hands over. */
interface GuestByteReader extends Partial<Disposable> {
  /** How much it is worth to ask for at once. Default: {@linkcode STREAM_HIGH_WATER_BYTES}. */
  readonly most?: number;
  /** Has nothing be taken of a write beyond so many bytes in all. What an engine cannot do, the reader's owner finds. */
  bound?(most: number, exceeded: (written: number) => void): void;
  read(options: { readonly count: number }): Promise<{
    readonly done?: boolean;
    readonly value?: Uint8Array<ArrayBuffer> | readonly number[] | undefined;
  }>;
}

/** How many bytes a guest may write. */
export interface StreamBound {
  readonly most: number;
  /** Hears of a write that would have made it more, `written` in all: nothing of it is taken. Not every engine can tell. */
  readonly exceeded: (written: number) => void;
}

/**
 * A guest's `stream<u8>` as a source. `undefined`, the `none` of an `option<stream<u8>>`, is a source that has ended.
 *
 * @throws {TypeError} if `stream` is no stream.
 */
export function readGuestStream(stream: unknown, bound?: StreamBound): ByteSource {
  if (stream === undefined) return emptySource;
  if (isByteSource(stream)) return stream;
  if (isByteReader(stream)) {
    if (bound !== undefined) stream.bound?.(bound.most, bound.exceeded);
    return new ReaderSource(stream);
  }
  throw new TypeError("readGuestStream: the engine handed over something that is no stream<u8>");
}

function isByteSource(value: unknown): value is ByteSource {
  return isObject(value) && "take" in value && "subscribe" in value && "cancel" in value;
}

function isByteReader(value: unknown): value is GuestByteReader {
  return isObject(value) && "read" in value && typeof value.read === "function";
}

/** What a guest writes, read a piece ahead. */
class ReaderSource implements ByteSource {
  readonly #reader: GuestByteReader;
  readonly #task = maybeTask();
  readonly #queue = new ChunkQueue();
  readonly #wakers = new Wakers();
  readonly #forget: (() => void) | undefined;
  #state: StreamState = "open";
  #error: unknown;
  #reading = false;

  constructor(reader: GuestByteReader) {
    this.#reader = reader;
    this.#forget = this.#task?.defer(() => {
      this.#end("errored", this.#task!.reason);
      this.#drop();
    });
  }

  get state(): StreamState {
    return this.#queue.size > 0 ? "open" : this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  get ready(): boolean {
    return this.#queue.size > 0 || this.#state !== "open";
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    const taken = this.#queue.take(max);
    if (taken.byteLength === 0) this.#pump();
    return taken;
  }

  cancel(): void {
    this.#queue.clear();
    if (this.#state !== "open") return;
    this.#end("closed");
    this.#drop();
  }

  subscribe(wake: () => void): () => void {
    const unsubscribe = this.#wakers.add(wake);
    this.#pump();
    return unsubscribe;
  }

  #pump(): void {
    if (this.#reading || this.#state !== "open" || this.#queue.size > 0) return;
    this.#reading = true;
    const reading = this.#reader.read({ count: this.#reader.most ?? STREAM_HIGH_WATER_BYTES });
    reading.then(({ done, value }) => {
      this.#reading = false;
      if (this.#state !== "open") return;
      // A stream that one host function made and another got back has arrays of numbers in it.
      if (value !== undefined) this.#queue.push(value instanceof Uint8Array ? value : Uint8Array.from(value));
      if (done) this.#end("closed");
      else this.#wakers.wakeAll();
    }, (reason) => {
      this.#reading = false;
      this.#end("errored", reason);
    });
  }

  #end(state: StreamState, reason?: unknown): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#error = reason;
    this.#forget?.();
    this.#wakers.wakeAll();
  }

  #drop(): void {
    // The engine may already have forgotten an isolate that has ended.
    try {
      this.#reader[Symbol.dispose]?.();
    } catch { /* There is nothing left to drop. */ }
  }
}

/** A `stream<u8>` of the host, as it is handed to a guest. */
export class HostStream implements AsyncIterableIterator<Uint8Array<ArrayBuffer>, undefined> {
  /** What the guest reads. An engine that uses it leaves the iterator alone. */
  readonly source: ByteSource;
  readonly #task = maybeTask();

  constructor(source: ByteSource) {
    this.source = source;
  }

  async next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> {
    const { source } = this;
    // A source that is always ahead of its guest would keep the event loop to the two of them.
    if (this.#task !== undefined) await this.#inTask(yieldTurn);
    while (true) {
      const value = this.#inTask(() => source.take(STREAM_HIGH_WATER_BYTES));
      if (value.byteLength > 0) return { done: false, value };
      if (source.state !== "open") return { done: true, value: undefined };
      await this.#inTask(() => waitAny([source]));
    }
  }

  // deno-lint-ignore require-await -- what an async iterator has
  async return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> {
    this.#inTask(() => this.source.cancel());
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #inTask<T>(body: () => T): T {
    const task = this.#task;
    return task === undefined || maybeTask() === task ? body() : withTask(task, body);
  }
}

/** How many sources a task keeps before it looks for those that have ended. */
const MAX_ENDED_KEPT = 64;

/** The sources that a task's guests hold, or have passed on. */
const handedOut = taskLocal(() => new Set<ByteSource>());

/**
 * Whether bytes of the host may still flow through guests of this task: a guest can pass a stream that it got on, as the
 * body of its response, and be over long before the stream is.
 */
export function hostStreamsOpen(): boolean {
  const sources = handedOut();
  for (const source of sources) {
    if (source.state !== "open") sources.delete(source);
  }
  return sources.size > 0;
}

/**
 * `source` as a host function returns it for `stream<u8>`.
 *
 * @example
 * ```ts
 * import { ByteChannel } from "../streams/bytes.ts";
 * import { toGuestStream } from "./streams.ts";
 *
 * const { sink, source } = new ByteChannel();
 * sink.write(new Uint8Array([1, 2]));
 * sink.close();
 * const stream = toGuestStream(source); // A host function would return it.
 * console.assert((await stream.next()).value?.length === 2 && (await stream.next()).done);
 * ```
 */
export function toGuestStream(source: ByteSource): HostStream {
  if (maybeTask() !== undefined && source.state === "open") {
    const sources = handedOut();
    // A guest that makes one request after the other leaves many behind that have ended.
    if (sources.size >= MAX_ENDED_KEPT) hostStreamsOpen();
    sources.add(source);
  }
  return new HostStream(source);
}

/** Reads a guest's future. Call it once for each future. Rejects when the task ends before the guest has written it. */
export function readGuestFuture<T>(future: unknown): Promise<T> {
  const task = maybeTask();
  return new Promise<T>((resolve, reject) => {
    const forget = task?.defer(() => reject(task.reason));
    Promise.resolve(future as PromiseLike<T>).then(resolve, reject).finally(forget);
  });
}

/** Drops a guest's stream unread; `undefined` is none. */
export function dropGuestStream(stream: unknown): void {
  if (isByteSource(stream)) stream.cancel();
  else if (isObject(stream)) (stream as Partial<Disposable>)[Symbol.dispose]?.();
}

/** Drops a guest's future unread. On an engine that cannot do so it is read and forgotten, so that its writer can end. */
export function dropGuestFuture(future: unknown): void {
  if (!isObject(future)) return;
  if (Symbol.dispose in future) (future as Disposable)[Symbol.dispose]();
  else Promise.resolve(future).catch(() => {});
}

/**
 * `promise` as a host function returns it for `future<result<T, E>>`: a rejection becomes the `err` that `toError` makes
 * of it.
 */
export function toGuestResult<T, E>(promise: Promise<T>, toError: (thrown: unknown) => E): Promise<Result<T, E>> {
  return promise.then(
    (val) => ({ tag: "ok", val }),
    (thrown) => ({ tag: "err", val: toError(thrown) }),
  );
}

/** The method of a promise by which an engine calls a host function off. */
export const CALL_OFF: unique symbol = Symbol.for("skerry.callOff") as typeof CALL_OFF;

/** A promise that can be called off. */
export interface CallOff<T> extends Promise<T> {
  [CALL_OFF](): void;
}

/**
 * What `run` promises, with a signal that aborts when the guest takes its call back.
 *
 * @example
 * ```ts
 * import { waits } from "./mod.ts";
 * import { CALL_OFF, calledOff } from "./streams.ts";
 *
 * const fetchIt = waits((url: string) => calledOff((signal) => fetch(url, { signal })));
 * const never = calledOff((signal) => new Promise((_, reject) => signal.onabort = reject));
 * never[CALL_OFF]();
 * await never.catch(() => {});
 * console.assert(typeof fetchIt === "function");
 * ```
 */
export function calledOff<T>(run: (signal: AbortSignal) => Promise<T>): CallOff<T> {
  const controller = new AbortController();
  const promise = run(controller.signal);
  return Object.assign(promise, {
    [CALL_OFF]() {
      // Nobody is left to hear how it went.
      promise.catch(() => {});
      controller.abort();
    },
  });
}

/**
 * The payload of the `err` that an exported function ended with, if `thrown` is that and not a trap or a failure of the
 * host. Engines throw a {@linkcode WitError} or any object with an own `payload`; jco throws payloads that are records or
 * variants as they are.
 */
export function guestError(thrown: unknown): { readonly payload: unknown } | undefined {
  if (isObject(thrown) && Object.hasOwn(thrown, "payload")) return { payload: (thrown as WitError).payload };
  return thrown instanceof Error ? undefined : { payload: thrown };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
