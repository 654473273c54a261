/**
 * Streams and futures of a guest, in the hands of the host.
 *
 * @module
 */
import { STREAM_HIGH_WATER_BYTES } from "../../../limits.ts";
import type { NativeIsolate } from "../isolate.ts";
import { never } from "../thread.ts";
import { COPY_DROPPED, type Elements, type ReclaimBuffer, type Shared, type WritableBuffer } from "./copy.ts";

/** Where the host puts what it reads. */
class HostBuffer implements WritableBuffer {
  readonly ofHost = true;
  readonly isZeroLength = false;
  remain: number;
  elements: Elements = [];

  constructor(count: number) {
    this.remain = count;
  }

  write(elements: Elements): void {
    this.elements = elements;
    this.remain -= elements.length;
  }
}

function readShared(isolate: NativeIsolate, shared: Shared, count: number): Promise<Elements | undefined> {
  if (isolate.over) return never();
  return new Promise((resolve) => {
    const buffer = new HostBuffer(count);
    shared.read(
      undefined,
      buffer,
      (reclaim: ReclaimBuffer) => {
        reclaim();
        resolve(buffer.elements);
      },
      (result) => resolve(result === COPY_DROPPED ? undefined : buffer.elements),
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
  #over = false;

  constructor(isolate: NativeIsolate, shared: Shared) {
    this.#isolate = isolate;
    this.#shared = shared;
    isolate.scheduler.external++;
  }

  /** The stream behind `value`, if it is one of this isolate that can go back to it. */
  static take(value: unknown, isolate: NativeIsolate): Shared | undefined {
    if (!(value instanceof GuestStreamReader) || value.#isolate !== isolate || value.#over) return undefined;
    value.#over = true;
    isolate.scheduler.external--;
    return value.#shared;
  }

  async read({ count }: { readonly count: number }): Promise<{ done: boolean; value: Elements | undefined }> {
    if (this.#over) return { done: true, value: undefined };
    const value = await readShared(this.#isolate, this.#shared, count);
    if (value === undefined) this[Symbol.dispose]();
    return { done: value === undefined, value };
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const chunked = this.#shared.element?.kind === "u8";
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
    this.#value ??= this.#over ? never() : readShared(this.#isolate, this.#shared, 1).then((elements) => {
      this.#over = true;
      dropShared(this.#isolate, this.#shared);
      return elements?.[0];
    });
    return this.#value.then(onValue, onError);
  }

  [Symbol.dispose](): void {
    if (this.#over || this.#value !== undefined) return;
    this.#over = true;
    dropShared(this.#isolate, this.#shared);
  }
}
