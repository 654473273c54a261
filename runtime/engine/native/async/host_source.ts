/**
 * Streams and futures that the host gives to a guest.
 *
 * @module
 */
import { HostStream } from "../../streams.ts";
import { type ByteSource, lend } from "../../../streams/bytes.ts";
import { yieldTurn } from "../../../streams/turn.ts";
import type { NativeIsolate } from "../isolate.ts";
import type { ComponentState } from "../state.ts";
import { trap } from "../trap.ts";
import type { ValueType } from "../types.ts";
import {
  COPY_CANCELLED,
  COPY_COMPLETED,
  COPY_DROPPED,
  type Elements,
  type OnCopy,
  type OnCopyDone,
  type Shared,
  type WritableBuffer,
} from "./copy.ts";

interface Pending {
  readonly target: WritableBuffer;
  readonly done: OnCopyDone;
}

/** What all that the host gives has in common: a reader waits until there is something. */
abstract class HostEnd implements Shared {
  abstract readonly kind: "stream" | "future";
  readonly element: ValueType | undefined;
  protected readonly isolate: NativeIsolate;
  protected pending: Pending | undefined;
  protected dropped = false;

  constructor(isolate: NativeIsolate, element: ValueType | undefined) {
    this.isolate = isolate;
    this.element = element;
  }

  read(_instance: ComponentState | undefined, target: WritableBuffer, _onCopy: OnCopy, done: OnCopyDone): void {
    this.pending = { target, done };
    this.isolate.scheduler.external++;
    this.serve();
  }

  write(): never {
    return trap("a readable end cannot be written to");
  }

  cancel(): void {
    this.finish(COPY_CANCELLED);
  }

  drop(): void {
    if (this.dropped) return;
    this.dropped = true;
    this.release();
  }

  /** Answers the pending read if it can, or sees to it that it is tried again. */
  protected abstract serve(): void;

  /** The guest reads no more. */
  protected abstract release(): void;

  /** Tries again, as soon as no guest code runs. */
  protected readonly retry = (): void => {
    this.isolate.scheduler.post(() => {
      if (this.pending !== undefined) this.serve();
    });
  };

  protected deliver(elements: Elements): void {
    this.pending!.target.write(elements, true);
    this.finish(COPY_COMPLETED);
  }

  protected finish(result: number): void {
    const { pending } = this;
    if (pending === undefined) return;
    this.pending = undefined;
    this.isolate.scheduler.external--;
    pending.done(result);
  }
}

/** Bytes, straight from a source of the host's into the guest's memory. */
export class ByteSourceEnd extends HostEnd {
  readonly kind = "stream";
  readonly source: ByteSource;
  #unsubscribe: (() => void) | undefined;

  constructor(isolate: NativeIsolate, element: ValueType, source: ByteSource) {
    super(isolate, element);
    this.source = source;
  }

  protected serve(): void {
    // A source that is always ahead of its guest would keep the event loop to the two of them.
    const turn = yieldTurn();
    if (turn !== undefined) return void turn.then(this.retry);
    const { remain } = this.pending!.target;
    const chunk = lend(this.source, remain);
    if (chunk.byteLength > 0) return this.deliver(chunk);
    if (this.source.state !== "open") return this.finish(COPY_DROPPED);
    if (remain === 0 && this.source.ready) return this.finish(COPY_COMPLETED);
    this.#unsubscribe ??= this.source.subscribe(() => {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      this.retry();
    });
  }

  protected release(): void {
    this.#unsubscribe?.();
    this.source.cancel();
  }
}

/** Elements of an iterator. Those of a `stream<u8>` come in chunks. */
export class IteratorEnd extends HostEnd {
  readonly kind = "stream";
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #chunked: boolean;
  #left: Elements = [];
  #asking = false;
  #over = false;

  constructor(
    isolate: NativeIsolate,
    element: ValueType | undefined,
    values: AsyncIterable<unknown> | Iterable<unknown>,
  ) {
    super(isolate, element);
    this.#iterator = Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
    this.#chunked = element?.kind === "u8";
  }

  protected serve(): void {
    const { remain } = this.pending!.target;
    const left = this.#left;
    if (left.length > 0) {
      const part = left.length <= remain ? left : slice(left, 0, remain);
      this.#left = left.length <= remain ? [] : slice(left, remain, left.length);
      return this.deliver(part);
    }
    if (this.#over) return this.finish(COPY_DROPPED);
    if (!this.#asking) this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      const { done, value } = await this.isolate.inTask(() => this.#iterator.next());
      this.#asking = false;
      if (done) this.#over = true;
      else this.#left = !this.#chunked || typeof value === "number" ? [value] : value as Elements;
      this.retry();
    } catch (error) {
      this.isolate.failed(error);
    }
  }

  protected release(): void {
    this.#over = true;
    // Whatever is still on its way is not waited for.
    try {
      Promise.resolve(this.#iterator.return?.()).catch(() => {});
    } catch { /* An iterator that cannot be stopped is not the guest's affair. */ }
  }
}

function slice(elements: Elements, start: number, end: number): Elements {
  return elements instanceof Uint8Array
    ? elements.subarray(start, end)
    : Array.prototype.slice.call(elements, start, end);
}

/** The value of a promise. */
export class PromiseEnd extends HostEnd {
  readonly kind = "future";
  readonly promise: PromiseLike<unknown>;
  #asked = false;
  #value: readonly [unknown] | undefined;

  constructor(isolate: NativeIsolate, element: ValueType | undefined, promise: PromiseLike<unknown>) {
    super(isolate, element);
    this.promise = promise;
  }

  protected serve(): void {
    if (this.#value !== undefined) return this.deliver(this.#value);
    if (this.#asked) return;
    this.#asked = true;
    this.promise.then((value) => {
      this.#value = [value];
      this.retry();
    }, (error) => {
      this.isolate.failed(error);
    });
  }

  protected release(): void {}
}

/** What the host gave for a stream. */
export function hostStreamEnd(isolate: NativeIsolate, element: ValueType | undefined, value: unknown): Shared {
  if (value instanceof HostStream && element?.kind === "u8") return new ByteSourceEnd(isolate, element, value.source);
  if (typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)) {
    return new IteratorEnd(isolate, element, value as AsyncIterable<unknown>);
  }
  throw new TypeError(`expected a ReadableStream or an async iterable for a stream, got ${typeof value}`);
}

export function hostFutureEnd(isolate: NativeIsolate, element: ValueType | undefined, value: unknown): Shared {
  if (typeof value === "object" && value !== null && "then" in value) {
    return new PromiseEnd(isolate, element, value as PromiseLike<unknown>);
  }
  throw new TypeError(`expected a Promise for a future, got ${typeof value}`);
}
