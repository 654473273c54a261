/**
 * Byte sources of bounded length.
 *
 * @module
 */
import { type ByteSource, lend, type StreamState } from "./bytes.ts";
import { NO_BYTES } from "./chunk_queue.ts";

/**
 * `source`, which breaks off where it would give more than `most` bytes.
 *
 * @param exceeded Called once when that happens; answers the error that the reader gets.
 *
 * @example
 * ```ts
 * import { bounded } from "./bounded.ts";
 * import { ByteChannel } from "./bytes.ts";
 *
 * const { sink, source } = new ByteChannel();
 * const short = bounded(source, 2, () => new Error("too long"));
 * sink.write(new Uint8Array(3));
 * console.assert(short.take(10).length === 0 && short.state === "errored");
 * ```
 */
export function bounded(source: ByteSource, most: number, exceeded: () => unknown): ByteSource {
  return new BoundedSource(source, most, exceeded);
}

class BoundedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #exceeded: () => unknown;
  #left: number;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: ByteSource, most: number, exceeded: () => unknown) {
    this.#source = source;
    this.#left = most;
    this.#exceeded = exceeded;
  }

  get state(): StreamState {
    return this.#failure === undefined ? this.#source.state : "errored";
  }

  get error(): unknown {
    return this.#failure === undefined ? this.#source.error : this.#failure.error;
  }

  get ready(): boolean {
    return this.#failure !== undefined || this.#source.ready;
  }

  get remaining(): number | undefined {
    const { remaining } = this.#source;
    // More than is left is not what a reader will get.
    return this.#failure === undefined && remaining !== undefined && remaining <= this.#left ? remaining : undefined;
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    return this.#failure === undefined ? this.#within(this.#source.take(max)) : NO_BYTES;
  }

  lend(max: number): Uint8Array<ArrayBuffer> {
    return this.#failure === undefined ? this.#within(lend(this.#source, max)) : NO_BYTES;
  }

  #within(taken: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (taken.byteLength <= this.#left) {
      this.#left -= taken.byteLength;
      return taken;
    }
    // Whatever keeps it from being told, nothing more is given.
    this.#left = 0;
    const error = this.#exceeded();
    this.#failure = { error };
    this.#source.cancel(error);
    return NO_BYTES;
  }

  cancel(reason?: unknown): void {
    this.#source.cancel(reason);
  }

  subscribe(wake: () => void): () => void {
    return this.#source.subscribe(wake);
  }
}
