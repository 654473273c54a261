/**
 * Streams and futures: buffers, ends, and where reader and writer meet.
 *
 * Implements "Buffer State", "Stream State" and "Future State" of CanonicalABI.md.
 *
 * @module
 */
import type { ComponentState } from "../state.ts";
import { trap } from "../trap.ts";
import type { ValueType } from "../types.ts";
import { Waitable } from "./waitable.ts";

export const COPY_COMPLETED = 0;
export const COPY_DROPPED = 1;
export const COPY_CANCELLED = 2;

/** Elements in one copy; more traps. */
export const MAX_BUFFER_LENGTH = 2 ** 28 - 1;

/** Elements as they go from a writer to a reader: an array, a typed array, or for no element type just a length. */
export type Elements = ArrayLike<unknown>;

/** Where elements come from or go to. */
export interface Buffer {
  /** The host's forms of values are others than those between components. */
  readonly ofHost: boolean;
  readonly remain: number;
  readonly isZeroLength: boolean;
}

export interface ReadableBuffer extends Buffer {
  /** How many elements go out of it at once, so that others need not wait for long: the rest is for the next copy. */
  readonly atOnce: number;
  read(count: number, forHost: boolean): Elements;
}

export interface WritableBuffer extends Buffer {
  write(elements: Elements, byHost: boolean): void;
  /** Whether a writer that offers so many is to be told that nobody reads them, and none is taken. */
  refuses?(offered: number): boolean;
}

export type ReclaimBuffer = () => void;
export type OnCopy = (reclaim: ReclaimBuffer) => void;
export type OnCopyDone = (result: number) => void;

/** What the two ends of a stream or future have in common. */
export interface Shared {
  readonly kind: "stream" | "future";
  readonly element: ValueType | undefined;
  read(instance: ComponentState | undefined, target: WritableBuffer, onCopy: OnCopy, done: OnCopyDone): void;
  write(instance: ComponentState | undefined, source: ReadableBuffer, onCopy: OnCopy, done: OnCopyDone): void;
  cancel(): void;
  drop(): void;
}

interface Pending {
  readonly instance: ComponentState | undefined;
  readonly buffer: ReadableBuffer | WritableBuffer;
  readonly onCopy: OnCopy;
  readonly done: OnCopyDone;
}

const NUMBERS = new Set<string | undefined>(
  ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", undefined],
);

/** A place where a writer and a reader meet, of whom the first to come waits for the other. */
abstract class Meeting implements Shared {
  abstract readonly kind: "stream" | "future";
  readonly element: ValueType | undefined;
  protected dropped = false;
  protected pending: Pending | undefined;

  constructor(element: ValueType | undefined) {
    this.element = element;
  }

  abstract read(instance: ComponentState | undefined, target: WritableBuffer, onCopy: OnCopy, done: OnCopyDone): void;

  abstract write(instance: ComponentState | undefined, source: ReadableBuffer, onCopy: OnCopy, done: OnCopyDone): void;

  cancel(): void {
    this.notify(COPY_CANCELLED);
  }

  drop(): void {
    if (this.dropped) return;
    this.dropped = true;
    if (this.pending !== undefined) this.notify(COPY_DROPPED);
  }

  protected notify(result: number): void {
    const { done } = this.pending!;
    this.pending = undefined;
    done(result);
  }

  protected checkInstance(instance: ComponentState | undefined): void {
    if (instance !== undefined && instance === this.pending!.instance && !NUMBERS.has(this.element?.kind)) {
      trap(`cannot read from and write to intra-component ${this.kind} with non-numeric payload`);
    }
  }
}

/** A stream between a writer and a reader. */
export class SharedStream extends Meeting {
  readonly kind = "stream";

  readonly #reset = (): void => {
    this.pending = undefined;
  };

  read(instance: ComponentState | undefined, target: WritableBuffer, onCopy: OnCopy, done: OnCopyDone): void {
    if (this.dropped) return done(COPY_DROPPED);
    const pending = this.pending;
    if (pending === undefined) {
      this.pending = { instance, buffer: target, onCopy, done };
      return;
    }
    this.checkInstance(instance);
    const source = pending.buffer as ReadableBuffer;
    if (source.remain > 0) {
      if (target.refuses?.(source.remain)) return this.#refuse(done);
      if (target.remain > 0) {
        const count = Math.min(source.remain, target.remain, source.atOnce);
        target.write(source.read(count, target.ofHost), source.ofHost);
        pending.onCopy(this.#reset);
      }
      return done(COPY_COMPLETED);
    }
    this.notify(COPY_COMPLETED);
    this.pending = { instance, buffer: target, onCopy, done };
  }

  write(instance: ComponentState | undefined, source: ReadableBuffer, onCopy: OnCopy, done: OnCopyDone): void {
    if (this.dropped) return done(COPY_DROPPED);
    const pending = this.pending;
    if (pending === undefined) {
      this.pending = { instance, buffer: source, onCopy, done };
      return;
    }
    this.checkInstance(instance);
    const target = pending.buffer as WritableBuffer;
    if (target.remain > 0) {
      if (source.remain > 0) {
        if (target.refuses?.(source.remain)) return this.#refuse(done);
        const count = Math.min(source.remain, target.remain, source.atOnce);
        target.write(source.read(count, target.ofHost), source.ofHost);
        pending.onCopy(this.#reset);
      }
      return done(COPY_COMPLETED);
    }
    if (source.isZeroLength && target.isZeroLength) return done(COPY_COMPLETED);
    this.notify(COPY_COMPLETED);
    this.pending = { instance, buffer: source, onCopy, done };
  }

  /** The end for both: who waits is told by it, and who has just come by `done`. */
  #refuse(done: OnCopyDone): void {
    this.drop();
    done(COPY_DROPPED);
  }
}

/** A future between a writer and a reader. */
export class SharedFuture extends Meeting {
  readonly kind = "future";

  read(instance: ComponentState | undefined, target: WritableBuffer, onCopy: OnCopy, done: OnCopyDone): void {
    if (this.pending === undefined) {
      this.pending = { instance, buffer: target, onCopy, done };
      return;
    }
    this.checkInstance(instance);
    const source = this.pending.buffer as ReadableBuffer;
    target.write(source.read(1, target.ofHost), source.ofHost);
    this.notify(COPY_COMPLETED);
    done(COPY_COMPLETED);
  }

  write(instance: ComponentState | undefined, source: ReadableBuffer, onCopy: OnCopy, done: OnCopyDone): void {
    if (this.dropped) return done(COPY_DROPPED);
    if (this.pending === undefined) {
      this.pending = { instance, buffer: source, onCopy, done };
      return;
    }
    this.checkInstance(instance);
    const target = this.pending.buffer as WritableBuffer;
    target.write(source.read(1, target.ofHost), source.ofHost);
    this.notify(COPY_COMPLETED);
    done(COPY_COMPLETED);
  }
}

export const COPY_IDLE = 0;
export const COPY_COPYING = 1;
export const COPY_CANCELLING = 2;
export const COPY_DONE = 3;

/** One end of a stream or future, in a component's table. */
export class CopyEnd extends Waitable {
  override readonly limit = "streams";
  readonly shared: Shared;
  readonly readable: boolean;
  state = COPY_IDLE;

  constructor(shared: Shared, readable: boolean) {
    super();
    this.shared = shared;
    this.readable = readable;
  }

  get copying(): boolean {
    return this.state === COPY_COPYING || this.state === COPY_CANCELLING;
  }

  override drop(): void {
    const { kind } = this.shared;
    if (this.copying) trap(`cannot drop busy ${kind}`);
    if (kind === "future" && !this.readable && this.state !== COPY_DONE) {
      trap("cannot drop future write end without first writing a value");
    }
    this.shared.drop();
    super.drop();
  }
}
