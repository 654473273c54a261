/**
 * Between byte sources and Web streams, at the edge of the host.
 *
 * @module
 */
import { maybeTask, withTask } from "../context.ts";
import { STREAM_HIGH_WATER_BYTES } from "../limits.ts";
import { type ByteSource, ChunkQueue, NO_BYTES, type StreamState } from "./bytes.ts";
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
export function sourceOf(stream: ReadableStream<Uint8Array>, pace?: ReadPace): ByteSource {
  const reader = stream.getReader();
  const queue = new ChunkQueue();
  const wakers = new Wakers();
  let state: StreamState = "open";
  let error: unknown;
  let reading = false;
  const pump = () => {
    if (reading || state !== "open" || queue.size > 0) return;
    reading = true;
    pace?.waiting();
    reader.read().then(
      ({ done, value }) => {
        reading = false;
        pace?.arrived(value?.byteLength ?? 0);
        if (done) {
          state = "closed";
          pace?.ended();
        } else if (value.byteLength === 0) return pump();
        else queue.push(value as Uint8Array<ArrayBuffer>);
        wakers.wakeAll();
      },
      (reason) => {
        reading = false;
        pace?.ended();
        if (state === "open") [state, error] = ["errored", reason];
        wakers.wakeAll();
      },
    );
  };
  return {
    get state() {
      return queue.size > 0 ? "open" : state;
    },
    get error() {
      return error;
    },
    get ready() {
      return queue.size > 0 || state !== "open";
    },
    take(max) {
      const taken = queue.take(max);
      if (taken.byteLength === 0) pump();
      return taken;
    },
    cancel(reason) {
      queue.clear();
      if (state !== "open") return;
      state = "closed";
      pace?.ended();
      wakers.wakeAll();
      reader.cancel(reason).catch(() => {});
    },
    subscribe(wake) {
      const unsubscribe = wakers.add(wake);
      pump();
      return unsubscribe;
    },
  };
}

/** How {@linkcode streamOf} ends. */
export interface StreamOfOptions {
  /** Errors the stream with its reason, unless it has ended before. */
  readonly signal?: AbortSignal;
  /** What the stream's reader gets for an error. Default: the error itself. */
  readonly toReader?: (reason: unknown) => unknown;
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
          const chunk = source.state === "open" ? source.take(STREAM_HIGH_WATER_BYTES) : NO_BYTES;
          if (chunk.byteLength > 0) {
            controller.enqueue(chunk);
            return;
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
        end("cancelled", reason);
      }),
  }, { highWaterMark: 0 });
}
