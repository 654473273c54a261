/**
 * `wasi:io/streams.input-stream` 0.2 over {@linkcode ByteSource}.
 *
 * @module
 */
import { MAX_READ_BYTES } from "../../limits.ts";
import { append, type ByteSink, type ByteSource, lend } from "../bytes.ts";
import { NO_BYTES } from "../chunk_queue.ts";
import { closedError, failedError } from "./error.ts";
import { Pollable, waitUntilReady } from "./poll.ts";

export interface InputStreamOptions {
  /** Runs when the guest drops the stream; by default the source is cancelled. */
  readonly onDrop?: () => void;
  /** What the guest's error stands for when the source failed; by default the source's own error. */
  readonly failure?: (error: unknown) => unknown;
}

/**
 * The resource `wasi:io/streams.input-stream`.
 *
 * A guest may ask for 2^64 bytes at once and gets at most {@linkcode MAX_READ_BYTES} of those that are there. A failure
 * is told once; after that, as after the end, the stream is closed.
 *
 * @example
 * ```ts
 * import { ByteChannel } from "../bytes.ts";
 * import { InputStream } from "./input.ts";
 *
 * const { sink, source } = new ByteChannel();
 * sink.write(new TextEncoder().encode("hello"));
 * const stream = new InputStream(source);
 * console.assert(stream.read(2n).length === 2 && stream.skip(10n) === 3n && stream.read(1n).length === 0);
 * ```
 */
export class InputStream {
  readonly #source: ByteSource;
  readonly #options: InputStreamOptions;
  #failed = false;

  constructor(source: ByteSource, options: InputStreamOptions = {}) {
    this.#source = source;
    this.#options = options;
  }

  read(length: bigint): Uint8Array<ArrayBuffer> {
    return this.#read(length, false);
  }

  /** As `read`, but the bytes are on loan: see {@linkcode ByteSource.lend}. */
  static lend(stream: InputStream, length: bigint): Uint8Array<ArrayBuffer> {
    return stream.#read(length, true);
  }

  /** Moves at most `length` bytes to `sink`; answers how many there were. */
  static move(stream: InputStream, sink: ByteSink, length: bigint): bigint {
    const onLoan = stream.#source.lend !== undefined;
    const bytes = stream.#read(length, onLoan);
    if (onLoan) append(sink, bytes);
    else sink.write(bytes);
    return BigInt(bytes.byteLength);
  }

  /** What `blockingRead` waits for, if anything. */
  static untilReady(stream: InputStream, _length: bigint): Promise<void> | undefined {
    return waitUntilReady(stream.#source);
  }

  #read(length: bigint, onLoan: boolean): Uint8Array<ArrayBuffer> {
    const source = this.#source;
    const { state } = source;
    if (state === "open") {
      if (length === 0n) return NO_BYTES;
      const most = atMostRead(length);
      return onLoan ? lend(source, most) : source.take(most);
    }
    if (state === "errored" && !this.#failed) {
      this.#failed = true;
      const { failure } = this.#options;
      throw failedError(failure === undefined ? source.error : failure(source.error));
    }
    throw closedError();
  }

  /** No promise where there are bytes, as in all that blocks: see {@linkcode waitUntilReady}. */
  blockingRead(length: bigint): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    const turn = waitUntilReady(this.#source);
    return turn === undefined && this.#source.state === "open" ? this.read(length) : this.#readAfter(turn, length);
  }

  async #readAfter(turn: Promise<void> | undefined, length: bigint): Promise<Uint8Array<ArrayBuffer>> {
    await turn;
    return this.read(length);
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).byteLength);
  }

  async blockingSkip(length: bigint): Promise<bigint> {
    await waitUntilReady(this.#source);
    return this.skip(length);
  }

  subscribe(): Pollable {
    return new Pollable(this.#source);
  }

  /** Ready when `stream` is: for host code that reads along, such as `splice`. */
  static sourceOf(stream: InputStream): ByteSource {
    return stream.#source;
  }

  [Symbol.dispose](): void {
    const { onDrop } = this.#options;
    if (onDrop === undefined) this.#source.cancel();
    else onDrop();
  }
}

function atMostRead(length: bigint): number {
  return length < MAX_READ_BYTES ? Number(length) : MAX_READ_BYTES;
}
