/**
 * A body as its writer sees it: counted against `content-length`, and ended in good order or broken off.
 *
 * @module
 */
import type { Fields } from "../../http/fields.ts";
import { latin1Text } from "../../http/fields.ts";
import type { Body } from "../../http/message.ts";
import { ByteChannel, type ByteSink } from "../../streams/bytes.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";

/**
 * The length that `fields` announce; `undefined` when they do not.
 *
 * @throws {HttpFailure} when `content-length` is no number, or several that differ.
 */
export function contentLength(fields: Fields): number | undefined {
  const values = fields.get("content-length").map(latin1Text);
  const [value] = values;
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value) || values.some((other) => other !== value)) {
    throw new HttpFailure("HTTP-protocol-error", `reading content-length: ${JSON.stringify(values)} is not one number`);
  }
  return Number(value);
}

export interface BodyWriterOptions {
  /** Which `error-code` tells of a wrong length. */
  readonly kind: "request" | "response";
  /** From `content-length`. */
  readonly length: number | undefined;
  /** Whether nothing at all may be written in spite of `length`, as in the answer to `HEAD`. Asked at the end. */
  readonly mayBeEmpty?: () => boolean;
  /** What the reader gets for what went wrong; by default the same. */
  readonly readerError?: (cause: HttpFailure) => unknown;
}

/**
 * The writing end of a body.
 *
 * @example
 * ```ts
 * import { BodyWriter } from "./body_writer.ts";
 *
 * const writer = new BodyWriter({ kind: "response", length: 3 });
 * writer.sink.write(new Uint8Array(3));
 * writer.finish();
 * console.assert(writer.body.source.remaining === 3);
 * ```
 */
export class BodyWriter {
  /** The reading end. */
  readonly body: Body;
  /** Where the bytes go. More of them than announced break the body off. */
  readonly sink: ByteSink;
  readonly #options: BodyWriterOptions;
  readonly #channel = new ByteChannel();
  readonly #trailers = Promise.withResolvers<Fields | undefined>();
  #written = 0;
  #failure: HttpFailure | undefined;

  constructor(options: BodyWriterOptions) {
    this.#options = options;
    const { length } = options;
    // Most readers never ask for trailers.
    this.#trailers.promise.catch(() => {});
    this.body = {
      source: this.#channel.source,
      trailers: this.#trailers.promise,
      ...(length === undefined ? {} : { length }),
    };
    this.sink = this.#countingSink();
  }

  /** Whether it has come to an end, good or bad. */
  get ended(): boolean {
    return this.#channel.sink.state !== "open";
  }

  /**
   * The end, in good order.
   *
   * @throws {HttpFailure} `HTTP-…-body-size` when the length is not the one announced; the reader gets that as well.
   */
  finish(trailers?: Fields): void {
    if (this.#failure !== undefined) throw this.#failure;
    const { length, mayBeEmpty } = this.#options;
    const complete = length === undefined || this.#written === length || (this.#written === 0 && mayBeEmpty?.());
    // A reader that has gone stopped the writer short: that is no fault of the writer's.
    if (!complete && !this.ended) throw this.#fail();
    this.#channel.sink.close();
    this.#trailers.resolve(trailers);
  }

  /** The end, broken off, unless it has ended already. */
  breakOff(error: unknown): void {
    if (this.ended) return;
    this.#channel.sink.abort(error);
    this.#trailers.reject(error);
  }

  #countingSink(): ByteSink {
    const { sink } = this.#channel;
    const failure = () => this.#failure;
    const { length } = this.#options;
    return {
      get state() {
        return failure() === undefined ? sink.state : "errored";
      },
      get error() {
        return failure() ?? sink.error;
      },
      get room() {
        return sink.room;
      },
      get flushed() {
        return sink.flushed;
      },
      get ready() {
        return sink.ready;
      },
      write: (chunk) => {
        if (sink.state !== "open") return;
        this.#written += chunk.byteLength;
        if (length !== undefined && this.#written > length) this.#fail();
        else sink.write(chunk);
      },
      close: () => this.finish(),
      abort: (error) => this.breakOff(error),
      subscribe: (wake) => sink.subscribe(wake),
    };
  }

  #fail(): HttpFailure {
    const { kind, length, readerError } = this.#options;
    const code: ErrorCode = { tag: `HTTP-${kind}-body-size`, val: BigInt(this.#written) };
    const failure = new HttpFailure(
      code,
      `writing a ${kind} body: content-length is ${length}, but ${this.#written} bytes were written`,
    );
    this.breakOff(readerError?.(failure) ?? failure);
    this.#failure = failure;
    return failure;
  }
}
