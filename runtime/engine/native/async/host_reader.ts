/**
 * Streams and futures of a guest, in the hands of the host.
 *
 * @module
 */
import { STREAM_BURST_BYTES, STREAM_HIGH_WATER_BYTES } from "../../../limits.ts";
import { ChunkQueue } from "../../../streams/chunk_queue.ts";
import type { NativeIsolate } from "../isolate.ts";
import { never } from "../thread.ts";
import {
  COPY_COMPLETED,
  COPY_DROPPED,
  type Elements,
  type ReclaimBuffer,
  type Shared,
  type WritableBuffer,
} from "./copy.ts";

/** Where the host puts elements that it reads. */
class ElementBuffer implements WritableBuffer {
  readonly ofHost = true;
  readonly isZeroLength = false;
  remain: number;
  elements: Elements | undefined;

  constructor(count: number) {
    this.remain = count;
  }

  write(elements: Elements): void {
    this.elements = elements;
    this.remain -= elements.length;
  }
}

/** How many bytes a stream may have, and how many have come. */
interface Bound {
  readonly most: number;
  readonly exceeded: (written: number) => void;
  taken: number;
}

/** Where it puts bytes: as many as the guest writes before it stops to run, as a turn for each piece would cost more. */
class ByteBuffer implements WritableBuffer {
  readonly ofHost = true;
  readonly isZeroLength = false;
  readonly #queue: ChunkQueue;
  readonly #bound: Bound | undefined;
  remain: number;

  constructor(queue: ChunkQueue, count: number, bound?: Bound) {
    this.#queue = queue;
    this.#bound = bound;
    this.remain = count;
  }

  refuses(offered: number): boolean {
    const bound = this.#bound;
    if (bound === undefined || bound.taken + offered <= bound.most) return false;
    bound.exceeded(bound.taken + offered);
    return true;
  }

  /** @param bytes A view of the guest's memory, or numbers of a host's stream that the guest has handed back unread. */
  write(bytes: Elements): void {
    const chunk = bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes as ArrayLike<number>);
    this.#queue.append(chunk, this.remain);
    this.remain -= chunk.length;
    if (this.#bound !== undefined) this.#bound.taken += chunk.length;
  }
}

/** Reads into `buffer`. Resolves when there is something in it, or nothing will come. */
function readShared(isolate: NativeIsolate, shared: Shared, buffer: WritableBuffer): Promise<number> {
  if (isolate.over) return never();
  return new Promise((resolve) => {
    let over = false;
    shared.read(
      undefined,
      buffer,
      (reclaim: ReclaimBuffer) => {
        // A guest that has written may go on to write. It has stopped when this is done, if not before.
        queueMicrotask(() => {
          if (over) return;
          over = true;
          reclaim();
          resolve(COPY_COMPLETED);
        });
      },
      (result) => {
        over = true;
        resolve(result);
      },
    );
    // The writer may wait for this.
    isolate.scheduler.post(() => {});
  });
}

function dropShared(isolate: NativeIsolate, shared: Shared): void {
  if (isolate.over) return;
  isolate.scheduler.external--;
  shared.drop();
  isolate.scheduler.post(() => {});
}

/** A guest's stream: `read` gives chunks of at most `count`, iteration single elements, or chunks of a `stream<u8>`. */
export class GuestStreamReader implements AsyncIterableIterator<unknown, undefined>, Disposable {
  readonly #isolate: NativeIsolate;
  readonly #shared: Shared;
  /** Bytes that were read and not asked for yet, in a stream of bytes. */
  readonly #bytes: ChunkQueue | undefined;
  /** How much it is worth to ask for at once. */
  readonly most = STREAM_BURST_BYTES;
  #bound: Bound | undefined;
  #over = false;

  constructor(isolate: NativeIsolate, shared: Shared) {
    this.#isolate = isolate;
    this.#shared = shared;
    this.#bytes = shared.element?.kind === "u8" ? new ChunkQueue() : undefined;
    isolate.scheduler.external++;
  }

  /** The stream behind `value`, if it is one of this isolate that can go back to it. */
  static take(value: unknown, isolate: NativeIsolate): Shared | undefined {
    if (!(value instanceof GuestStreamReader) || value.#isolate !== isolate || value.#over) return undefined;
    // What it has read already would be lost.
    if (value.#bytes !== undefined && value.#bytes.size > 0) return undefined;
    value.#over = true;
    isolate.scheduler.external--;
    return value.#shared;
  }

  /** Takes nothing of a write that would make more than `most` bytes of all: tells `exceeded` how many, and ends the stream. */
  bound(most: number, exceeded: (written: number) => void): void {
    this.#bound = { most, exceeded, taken: 0 };
  }

  async read({ count }: { readonly count: number }): Promise<{ done: boolean; value: Elements | undefined }> {
    const bytes = this.#bytes;
    if (bytes !== undefined && bytes.size > 0) return { done: false, value: bytes.take(count) };
    if (this.#over) return { done: true, value: undefined };
    if (bytes !== undefined) {
      const result = await readShared(this.#isolate, this.#shared, new ByteBuffer(bytes, count, this.#bound));
      if (bytes.size > 0 || result !== COPY_DROPPED) return { done: false, value: bytes.take(count) };
    } else {
      const buffer = new ElementBuffer(count);
      const result = await readShared(this.#isolate, this.#shared, buffer);
      if (buffer.elements !== undefined || result !== COPY_DROPPED) {
        return { done: false, value: buffer.elements ?? [] };
      }
    }
    this[Symbol.dispose]();
    return { done: true, value: undefined };
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const chunked = this.#bytes !== undefined;
    const { done, value } = await this.read({ count: chunked ? STREAM_HIGH_WATER_BYTES : 1 });
    return done ? { done: true, value: undefined } : { done: false, value: chunked ? value : value![0] };
  }

  // deno-lint-ignore require-await -- what an async iterator has
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this[Symbol.dispose]();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.#bytes?.clear();
    if (this.#over) return;
    this.#over = true;
    dropShared(this.#isolate, this.#shared);
  }
}

/** A guest's future: it is read when somebody first asks for its value. */
export class GuestFutureReader implements PromiseLike<unknown>, Disposable {
  readonly #isolate: NativeIsolate;
  readonly #shared: Shared;
  #value: Promise<unknown> | undefined;
  #over = false;

  constructor(isolate: NativeIsolate, shared: Shared) {
    this.#isolate = isolate;
    this.#shared = shared;
    isolate.scheduler.external++;
  }

  static take(value: unknown, isolate: NativeIsolate): Shared | undefined {
    if (!(value instanceof GuestFutureReader) || value.#isolate !== isolate) return undefined;
    if (value.#over || value.#value !== undefined) return undefined;
    value.#over = true;
    isolate.scheduler.external--;
    return value.#shared;
  }

  then<A = unknown, B = never>(
    onValue?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#value ??= this.#over ? never() : this.#read();
    return this.#value.then(onValue, onError);
  }

  async #read(): Promise<unknown> {
    const buffer = new ElementBuffer(1);
    await readShared(this.#isolate, this.#shared, buffer);
    this.#over = true;
    dropShared(this.#isolate, this.#shared);
    return buffer.elements?.[0];
  }

  [Symbol.dispose](): void {
    if (this.#over || this.#value !== undefined) return;
    this.#over = true;
    dropShared(this.#isolate, this.#shared);
  }
}
