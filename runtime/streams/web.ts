/**
 * Between byte sources and Web streams, at the edge of the host.
 *
 * @module
 */
import { maybeTask, withTask } from "../context.ts";
import { STREAM_BURST_BYTES } from "../limits.ts";
import { type ByteSource, type StreamState } from "./bytes.ts";
import { NO_BYTES } from "./chunk_queue.ts";
import { waitAny, Wakers } from "./waitable.ts";

/** Hears how a stream is read. */
export interface ReadPace {
  /** A reader has found nothing, and the stream has been asked for more. May be called again before it has come. */
  waiting(): void;
  arrived(bytes: number): void;
  /** Nothing is read any more. */
  ended(): void;
}

/**
 * Reads `stream` on demand: a chunk is asked for when a reader finds none, so that the peer feels backpressure.
 *
 * @example
 * ```ts
 * import { sourceOf } from "./web.ts";
 * import { waitAny } from "./waitable.ts";
 *
 * const source = sourceOf(new Blob(["hello"]).stream());
 * await waitAny([source]);
 * console.assert(source.take(100).length === 5);
 * ```
 */
export function sourceOf(
  stream: ReadableStream<Uint8Array>,
  pace?: ReadPace,
  expected: number = READ_BYTES,
): ByteSource {
  return new WebSource(stream, pace, expected);
}

/** What is read at once at first; up to {@linkcode STREAM_BURST_BYTES} where a stream has always more at hand. */
const READ_BYTES = 64 * 1024;
/** What is read at once at least: an announced length may be short of the truth. */
const MIN_BUFFER_BYTES = 1024;

/** Reads one chunk at a time: into a buffer of its own, over and over, where the stream can do that. */
class WebSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
  readonly #pace: ReadPace | undefined;
  readonly #wakers = new Wakers();
  #state: StreamState = "open";
  #error: unknown;
  #reading = false;
  /** What has been read and not been taken. */
  #chunk: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** The buffer that the chunk is in, unless somebody else has a part of it. */
  #buffer: ArrayBuffer | undefined;
  #bufferBytes: number;

  constructor(stream: ReadableStream<Uint8Array>, pace: ReadPace | undefined, expected: number) {
    this.#pace = pace;
    this.#bufferBytes = Math.min(Math.max(expected, MIN_BUFFER_BYTES), READ_BYTES);
    this.#reader = bufferReader(stream) ?? stream.getReader();
  }

  get state(): StreamState {
    return this.#chunk.byteLength > 0 ? "open" : this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  get ready(): boolean {
    return this.#chunk.byteLength > 0 || this.#state !== "open";
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    const taken = this.lend(max);
    const buffer = this.#buffer;
    if (buffer === undefined || taken.byteLength === 0) return taken;
    // A small part would keep all of the buffer alive.
    if (taken.byteLength < buffer.byteLength / 2) return taken.slice();
    this.#buffer = undefined;
    return taken;
  }

  lend(max: number): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunk;
    const { byteLength } = chunk;
    if (byteLength === 0) {
      this.#pump();
      return NO_BYTES;
    }
    if (max >= byteLength) {
      this.#chunk = NO_BYTES;
      return chunk;
    }
    if (max <= 0) return NO_BYTES;
    this.#chunk = chunk.subarray(max);
    return chunk.subarray(0, max);
  }

  cancel(reason?: unknown): void {
    this.#chunk = NO_BYTES;
    this.#buffer = undefined;
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#pace?.ended();
    this.#wakers.wakeAll();
    this.#reader.cancel(reason).catch(() => {});
  }

  subscribe(wake: () => void): () => void {
    const unsubscribe = this.#wakers.add(wake);
    this.#pump();
    return unsubscribe;
  }

  #read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> {
    const reader = this.#reader;
    if (reader instanceof ReadableStreamDefaultReader) return reader.read();
    const buffer = this.#buffer?.byteLength === this.#bufferBytes ? this.#buffer : new ArrayBuffer(this.#bufferBytes);
    // The stream has it now.
    this.#buffer = undefined;
    return reader.read(new Uint8Array(buffer));
  }

  #pump(): void {
    if (this.#reading || this.#state !== "open" || this.#chunk.byteLength > 0) return;
    this.#reading = true;
    this.#pace?.waiting();
    this.#read().then(
      ({ done, value }) => {
        this.#reading = false;
        this.#pace?.arrived(value?.byteLength ?? 0);
        // Who has cancelled it wants nothing of what was on its way.
        if (this.#state !== "open") return;
        if (done) {
          this.#state = "closed";
          this.#pace?.ended();
        } else if (value!.byteLength === 0) return this.#pump();
        else this.#arrived(value as Uint8Array<ArrayBuffer>);
        this.#wakers.wakeAll();
      },
      (reason) => {
        this.#reading = false;
        this.#pace?.ended();
        if (this.#state === "open") [this.#state, this.#error] = ["errored", reason];
        this.#wakers.wakeAll();
      },
    );
  }

  #arrived(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunk = chunk;
    if (this.#reader instanceof ReadableStreamDefaultReader) return;
    this.#buffer = chunk.buffer;
    if (chunk.byteLength === this.#bufferBytes) {
      this.#bufferBytes = Math.min(this.#bufferBytes * 4, STREAM_BURST_BYTES);
    }
  }
}

/** A reader that reads into the buffers it is given; not every stream has one. */
function bufferReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch (error) {
    // A stream that is being read already has no other reader either: that is for getReader() to say.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How {@linkcode streamOf} ends. */
export interface StreamOfOptions {
  /** Errors the stream with its reason, unless it has ended before. */
  readonly signal?: AbortSignal;
  /** What the stream's reader gets for an error. Default: the error itself. */
  readonly toReader?: (reason: unknown) => unknown;
  /**
   * How many bytes the reader expects, where it knows. A reader that has them all and cancels has not left: it may be told
   * of the end later than it knows of it.
   */
  readonly length?: number | undefined;
  /** Runs once, whichever way the stream ended. */
  readonly onEnd?: (
    how: "closed" | "errored" | "cancelled",
    reason?: unknown,
  ) => void;
}

/**
 * `source` as a Web stream. It holds nothing back of its own, so a slow reader slows the writer; an error of the source
 * errors the stream; cancelling the stream cancels the source.
 */
export function streamOf(
  source: ByteSource,
  options: StreamOfOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const task = maybeTask();
  const inTask = <T>(body: () => T): T => task === undefined ? body() : withTask(task, body);
  const { signal, toReader = (reason) => reason } = options;
  let over = false;
  let left = options.length ?? Infinity;
  let breakOff: (() => void) | undefined;
  const end = (how: "closed" | "errored" | "cancelled", reason?: unknown) => {
    if (over) return;
    over = true;
    if (breakOff !== undefined) signal?.removeEventListener("abort", breakOff);
    options.onEnd?.(how, reason);
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      if (signal === undefined) return;
      breakOff = () => {
        if (over) return;
        controller.error(toReader(signal.reason));
        end("errored", signal.reason);
      };
      if (signal.aborted) breakOff();
      else signal.addEventListener("abort", breakOff, { once: true });
    },
    pull: (controller) =>
      inTask(async () => {
        while (!over) {
          const chunk = source.state === "open" ? source.take(STREAM_BURST_BYTES) : NO_BYTES;
          if (chunk.byteLength > 0) {
            controller.enqueue(chunk);
            left -= chunk.byteLength;
            // With its last bytes, for who has those may leave before it asks again.
            if (source.state !== "closed") return;
            controller.close();
            return end("closed");
          }
          const state = source.state;
          if (state === "closed") {
            controller.close();
            return end("closed");
          }
          if (state === "errored") {
            controller.error(toReader(source.error));
            return end("errored", source.error);
          }
          await waitAny([source], signal);
        }
      }),
    cancel: (reason) =>
      inTask(() => {
        source.cancel(reason);
        if (left <= 0) end("closed");
        else end("cancelled", reason);
      }),
  }, { highWaterMark: 0 });
}
