/**
 * `wasi:io/streams.output-stream` 0.2 over {@linkcode ByteSink}.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import { append, type ByteSink } from "../bytes.ts";
import { closedError, failedError, trap } from "./error.ts";
import { InputStream } from "./input.ts";
import { Pollable, waitUntilReady } from "./poll.ts";

/** The most that one of the `blocking-…-and-flush` functions takes: the WIT says that more traps. */
const MAX_BLOCKING_WRITE_BYTES = 4096;

/**
 * The resource `wasi:io/streams.output-stream`.
 *
 * Writing more than `check-write` permits traps. Flushing is over at once: what a sink has taken is on its way, and its
 * `room` is what slows a writer down. Waiting until a reader has taken all would hang a guest that fills its body before
 * it sets its response, and would cost a round trip for every 4 KiB.
 *
 * @example
 * ```ts
 * import { ByteChannel } from "../bytes.ts";
 * import { OutputStream } from "./output.ts";
 *
 * const { sink, source } = new ByteChannel(8);
 * const stream = new OutputStream(sink);
 * console.assert(stream.checkWrite() === 8n);
 * stream.write(new Uint8Array(8));
 * console.assert(stream.checkWrite() === 0n && source.take(8).length === 8 && stream.checkWrite() === 8n);
 * ```
 */
export class OutputStream {
  readonly #sink: ByteSink;
  readonly #onDrop: () => void;
  #failed = false;

  /** `onDrop` runs when the guest drops the stream; what that means for the sink is its owner's to say. */
  constructor(sink: ByteSink, onDrop: () => void = () => {}) {
    this.#sink = sink;
    this.#onDrop = onDrop;
  }

  checkWrite(): bigint {
    this.#check();
    return BigInt(this.#sink.room);
  }

  write(contents: Uint8Array): void {
    this.#check();
    this.#permit("write", contents.byteLength);
    // An engine may hand over a view of the guest's memory, which changes under whoever keeps it.
    append(this.#sink, contents);
    this.#check();
  }

  /** No promise where there is room, as in all that blocks: see {@linkcode waitUntilReady}. */
  blockingWriteAndFlush(contents: Uint8Array): Promise<void> | undefined {
    const { byteLength } = contents;
    const sink = this.#sink;
    const fits = byteLength <= MAX_BLOCKING_WRITE_BYTES && sink.state === "open" && byteLength <= sink.room;
    const turn = fits ? waitUntilReady(sink) : undefined;
    if (!fits || turn !== undefined) return this.#writeAfter(turn, contents.slice());
    append(sink, contents);
    return sink.state === "open" ? undefined : this.blockingFlush();
  }

  async #writeAfter(turn: Promise<void> | undefined, contents: Uint8Array<ArrayBuffer>): Promise<void> {
    enterTask();
    this.#atMostBlocking("blocking-write-and-flush", contents.byteLength);
    await turn;
    let rest = contents;
    while (rest.byteLength > 0) {
      await waitUntilReady(this.#sink);
      const room = Number(this.checkWrite());
      this.#sink.write(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
    this.#check();
  }

  flush(): void {
    this.#check();
  }

  blockingFlush(): Promise<void> | undefined {
    const turn = waitUntilReady(this.#sink);
    return turn === undefined && this.#sink.state === "open" ? undefined : this.#checkAfter(turn);
  }

  async #checkAfter(turn: Promise<void> | undefined): Promise<void> {
    enterTask();
    this.#check();
    await turn;
    this.#check();
  }

  subscribe(): Pollable {
    return new Pollable(this.#sink);
  }

  writeZeroes(length: bigint): void {
    this.#check();
    this.#permit("write-zeroes", length);
    this.#sink.write(new Uint8Array(Number(length)));
    this.#check();
  }

  async blockingWriteZeroesAndFlush(length: bigint): Promise<void> {
    this.#atMostBlocking("blocking-write-zeroes-and-flush", length);
    await this.blockingWriteAndFlush(new Uint8Array(Number(length)));
  }

  splice(source: InputStream, length: bigint): bigint {
    const room = this.checkWrite();
    const moved = InputStream.move(source, this.#sink, length < room ? length : room);
    this.#check();
    return moved;
  }

  /** No promise where there are bytes and room for them. */
  blockingSplice(source: InputStream, length: bigint): bigint | Promise<bigint> {
    const sink = this.#sink;
    const from = InputStream.sourceOf(source);
    const flows = sink.state === "open" && sink.ready && from.state === "open" && from.ready;
    if (!flows) return this.#spliceAfter(undefined, source, length);
    const turn = waitUntilReady(from);
    return turn === undefined ? this.splice(source, length) : this.#spliceAfter(turn, source, length);
  }

  async #spliceAfter(turn: Promise<void> | undefined, source: InputStream, length: bigint): Promise<bigint> {
    await turn;
    await waitUntilReady(this.#sink);
    await waitUntilReady(InputStream.sourceOf(source));
    return this.splice(source, length);
  }

  [Symbol.dispose](): void {
    this.#onDrop();
  }

  #check(): void {
    const { state } = this.#sink;
    if (state === "open") return;
    if (state === "errored" && !this.#failed) {
      this.#failed = true;
      throw failedError(this.#sink.error);
    }
    throw closedError();
  }

  #permit(call: string, length: number | bigint): void {
    if (length > this.#sink.room) {
      throw trap(
        `wasi:io/streams#[method]output-stream.${call}`,
        `${length} bytes, but check-write permits ${this.#sink.room}`,
      );
    }
  }

  #atMostBlocking(call: string, length: number | bigint): void {
    if (length > MAX_BLOCKING_WRITE_BYTES) {
      throw trap(
        `wasi:io/streams#[method]output-stream.${call}`,
        `${length} bytes, but at most ${MAX_BLOCKING_WRITE_BYTES} are allowed`,
      );
    }
  }
}
