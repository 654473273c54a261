/**
 * Byte sources of bounded length.
 *
 * @module
 */
import type { ByteSource, StreamState } from "./bytes.ts";
import { NO_BYTES } from "./chunk_queue.ts";
import { PassedSource } from "./passed.ts";

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

class BoundedSource extends PassedSource {
  readonly #exceeded: () => unknown;
  #left: number;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: ByteSource, most: number, exceeded: () => unknown) {
    super(source);
    this.#left = most;
    this.#exceeded = exceeded;
  }

  override get state(): StreamState {
    return this.#failure === undefined ? super.state : "errored";
  }

  override get error(): unknown {
    return this.#failure === undefined ? super.error : this.#failure.error;
  }

  override get ready(): boolean {
    return this.#failure !== undefined || super.ready;
  }

  override get remaining(): number | undefined {
    const remaining = super.remaining;
    // More than is left is not what a reader will get.
    return this.#failure === undefined && remaining !== undefined && remaining <= this.#left ? remaining : undefined;
  }

  override take(max: number): Uint8Array<ArrayBuffer> {
    return this.#failure === undefined ? this.#within(super.take(max)) : NO_BYTES;
  }

  override lend(max: number): Uint8Array<ArrayBuffer> {
    return this.#failure === undefined ? this.#within(super.lend(max)) : NO_BYTES;
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
    super.cancel(error);
    return NO_BYTES;
  }
}
