/**
 * The body of a response that is still being received.
 *
 * @module
 */
import type { Fields } from "../../http/fields.ts";
import type { Body } from "../../http/message.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { type ByteSource, type StreamState } from "../../streams/bytes.ts";
import { ChunkQueue } from "../../streams/chunk_queue.ts";
import { Wakers } from "../../streams/waitable.ts";
import { type CallLife, stageLimit } from "./call_life.ts";
import { HttpFailure } from "./error_code.ts";
import { readBody, type ResponseFraming } from "./http1_response.ts";
import type { WireReader } from "./wire_reader.ts";

export interface ResponseBodyOptions {
  readonly framing: ResponseFraming;
  readonly life: CallLife;
  readonly betweenBytesTimeoutMs: number | undefined;
  /** All of it has been received. */
  readonly onEnd: () => void;
}

/** Reads from the connection when a reader finds nothing, so that the server feels backpressure. */
export class ResponseBody implements Body {
  readonly source: ByteSource;
  readonly trailers: Promise<Fields | undefined>;
  readonly length?: number;
  readonly #parts: AsyncGenerator<Uint8Array<ArrayBuffer>, Fields | undefined>;
  readonly #options: ResponseBodyOptions;
  readonly #queue = new ChunkQueue();
  readonly #wakers = new Wakers();
  readonly #trailers = Promise.withResolvers<Fields | undefined>();
  #state: StreamState = "open";
  #error: unknown;
  #reading = false;

  constructor(reader: WireReader, options: ResponseBodyOptions) {
    const { framing, life } = options;
    this.#parts = readBody(reader, framing, MAX_READ_BYTES);
    this.#options = options;
    this.trailers = this.#trailers.promise;
    this.trailers.catch(() => {});
    if (framing.kind === "length") this.length = framing.length;
    this.source = this.#makeSource();
    life.onEnd((failure) => this.#end("errored", failure ?? called()));
    if (framing.kind === "none" || this.length === 0) this.#pump();
  }

  #makeSource(): ByteSource {
    const queue = this.#queue;
    const state = () => this.#state;
    const error = () => this.#error;
    return {
      get state() {
        return queue.size > 0 ? "open" : state();
      },
      get error() {
        return error();
      },
      get ready() {
        return queue.size > 0 || state() !== "open";
      },
      get remaining() {
        return state() === "closed" ? queue.size : undefined;
      },
      take: (max) => {
        const taken = queue.take(max);
        if (taken.byteLength === 0) this.#pump();
        return taken;
      },
      cancel: () => {
        queue.clear();
        this.#end("closed");
        this.#options.life.end();
      },
      subscribe: (wake) => {
        const unsubscribe = this.#wakers.add(wake);
        this.#pump();
        return unsubscribe;
      },
    };
  }

  #pump(): void {
    if (this.#reading || this.#state !== "open" || this.#queue.size > 0) return;
    this.#reading = true;
    const { life, betweenBytesTimeoutMs } = this.#options;
    life.within(stageLimit(betweenBytesTimeoutMs, "connection-read-timeout"), () => this.#parts.next()).then(
      ({ done, value }) => {
        this.#reading = false;
        if (done) {
          this.#end("closed", undefined, value);
          this.#options.onEnd();
        } else {
          this.#queue.push(value);
          this.#wakers.wakeAll();
        }
      },
      (error) => life.end(error instanceof HttpFailure ? error : broken(error)),
    );
  }

  #end(state: "closed" | "errored", error?: unknown, trailers?: Fields): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#error = error;
    if (state === "errored") this.#trailers.reject(error);
    else this.#trailers.resolve(trailers);
    this.#wakers.wakeAll();
  }
}

function called(): HttpFailure {
  return new HttpFailure("connection-terminated", "receiving a response: it was called off");
}

function broken(error: unknown): HttpFailure {
  return new HttpFailure(
    "HTTP-response-incomplete",
    `receiving a response: ${error instanceof Error ? error.message : error}`,
  );
}
