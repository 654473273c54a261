/**
 * A body as its writer sees it: counted against `content-length`, and ended in good order or broken off.
 *
 * @module
 */
import type { Fields } from "../../http/fields.ts";
import type { Body } from "../../http/message.ts";
import { append, ByteChannel, type ByteSink, type ByteSource, type StreamState } from "../../streams/bytes.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";

/**
 * The length that `fields` announce; `undefined` when they do not.
 *
 * @throws {HttpFailure} when `content-length` is no number, or several that differ.
 */
export function contentLength(fields: Fields): number | undefined {
  if (!fields.has("content-length")) return undefined;
  const values = fields.texts("content-length");
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
  readonly #trailers = new Trailers();
  #written = 0;
  #failure: HttpFailure | undefined;

  constructor(options: BodyWriterOptions) {
    this.#options = options;
    this.body = new WrittenBody(this.#channel.source, this.#trailers, options.length);
    this.sink = new CountingSink(this, this.#channel.sink);
  }

  /** Takes `chunk`, unless it is more than was announced. */
  write(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#count(chunk.byteLength)) this.#channel.sink.write(chunk);
  }

  /** As {@linkcode write}, but takes a copy of `bytes`. */
  append(bytes: Uint8Array): void {
    if (this.#count(bytes.byteLength)) append(this.#channel.sink, bytes);
  }

  /** Whether so many bytes more may be written. */
  #count(bytes: number): boolean {
    if (this.ended) return false;
    this.#written += bytes;
    const { length } = this.#options;
    if (length === undefined || this.#written <= length) return true;
    this.#fail();
    return false;
  }

  /** The wrong length that broke it off. */
  get failure(): HttpFailure | undefined {
    return this.#failure;
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

/** A promise that is made when somebody asks for it: most readers never do. */
class Trailers {
  #settled: "no" | "resolved" | "rejected" = "no";
  #value: unknown;
  #promise: PromiseWithResolvers<Fields | undefined> | undefined;

  get promise(): Promise<Fields | undefined> {
    if (this.#promise === undefined) {
      this.#promise = Promise.withResolvers();
      // Who has it may still not look at it.
      this.#promise.promise.catch(() => {});
      this.#tell();
    }
    return this.#promise.promise;
  }

  resolve(trailers: Fields | undefined): void {
    this.#settle("resolved", trailers);
  }

  reject(error: unknown): void {
    this.#settle("rejected", error);
  }

  #settle(how: "resolved" | "rejected", value: unknown): void {
    if (this.#settled !== "no") return;
    this.#settled = how;
    this.#value = value;
    this.#tell();
  }

  #tell(): void {
    if (this.#settled === "resolved") this.#promise?.resolve(this.#value as Fields | undefined);
    else if (this.#settled === "rejected") this.#promise?.reject(this.#value);
  }
}

class WrittenBody implements Body {
  readonly source: ByteSource;
  readonly length?: number;
  readonly #trailers: Trailers;

  constructor(source: ByteSource, trailers: Trailers, length: number | undefined) {
    this.source = source;
    this.#trailers = trailers;
    if (length !== undefined) this.length = length;
  }

  get trailers(): Promise<Fields | undefined> {
    return this.#trailers.promise;
  }
}

/** A body's sink, which counts. */
class CountingSink implements ByteSink {
  readonly #writer: BodyWriter;
  readonly #sink: ByteSink;

  constructor(writer: BodyWriter, sink: ByteSink) {
    this.#writer = writer;
    this.#sink = sink;
  }

  get state(): StreamState {
    return this.#writer.failure === undefined ? this.#sink.state : "errored";
  }

  get error(): unknown {
    return this.#writer.failure ?? this.#sink.error;
  }

  get room(): number {
    return this.#sink.room;
  }

  get flushed(): boolean {
    return this.#sink.flushed;
  }

  get ready(): boolean {
    return this.#sink.ready;
  }

  write(chunk: Uint8Array<ArrayBuffer>): void {
    this.#writer.write(chunk);
  }

  append(bytes: Uint8Array): void {
    this.#writer.append(bytes);
  }

  close(): void {
    this.#writer.finish();
  }

  abort(error: unknown): void {
    this.#writer.breakOff(error);
  }

  subscribe(wake: () => void): () => void {
    return this.#sink.subscribe(wake);
  }
}
