/**
 * Buffers in a guest's memory, for the elements of a stream or future.
 *
 * @module
 */
import type { Cx } from "../context.ts";
import { allOrNone, keepOwns } from "../given_away.ts";
import type { Lifter } from "../lift.ts";
import type { Lowerer } from "../lower.ts";
import { trap } from "../trap.ts";
import type { ValueType } from "../types.ts";
import { elementBytes } from "../weight.ts";
import { type Elements, MAX_BUFFER_LENGTH, type ReadableBuffer, type WritableBuffer } from "./copy.ts";

/** What goes from one component to another at once, in the bytes that it counts: a millisecond or two. */
const MAX_COPY_BYTES = 1024 * 1024;

/** How elements of one type are read and written, towards the host and towards components. */
export interface ElementCodec {
  readonly type: ValueType | undefined;
  /** What an element counts when it goes to another component, in bytes. */
  readonly bytes: number;
  readonly liftForHost: (cx: Cx, ptr: number, length: number) => Elements;
  readonly lift: (cx: Cx, ptr: number, length: number) => Elements;
  readonly lowerFromHost: (cx: Cx, ptr: number, elements: unknown) => void;
  readonly lower: (cx: Cx, ptr: number, elements: unknown) => void;
}

type Faces<T> = { readonly host: T; readonly component: T };

const nothing = (): void => {};
const units = (_cx: Cx, _ptr: number, length: number): Elements => ({ length });

export function elementCodec(
  type: ValueType | undefined,
  lifters: Faces<Lifter> | undefined,
  lowerers: Faces<Lowerer> | undefined,
): ElementCodec {
  const lift = (lifter: Lifter | undefined) =>
    type === undefined || lifter === undefined ? units : lifted(type, lifter);
  const lower = (lowerer: Lowerer | undefined) =>
    type === undefined || lowerer === undefined ? nothing : lowered(type, lowerer);
  return {
    type,
    bytes: type === undefined ? 0 : elementBytes(type),
    liftForHost: lift(lifters?.host),
    lift: lift(lifters?.component),
    lowerFromHost: lower(lowerers?.host),
    lower: lower(lowerers?.component),
  };
}

type LiftElements = (cx: Cx, ptr: number, length: number) => Elements;

function lifted(type: ValueType, lifter: Lifter): LiftElements {
  const elements = lifter.elements(type) as LiftElements;
  if (!type.hasOwn) return elements;
  const all = allOrNone(
    [type, type],
    (cx, [ptr, length]: readonly [number, number]) => elements(cx, ptr, length),
  );
  return (cx, ptr, length) => all(cx, [ptr, length]);
}

function lowered(type: ValueType, lowerer: Lowerer): (cx: Cx, ptr: number, elements: unknown) => void {
  const lower = lowerer.elements(type);
  if (!type.hasOwn) return lower;
  return (cx, ptr, elements) => {
    try {
      lower(cx, ptr, elements);
    } catch (error) {
      for (const element of elements as Iterable<unknown>) keepOwns(cx, [type], [element]);
      throw error;
    }
  };
}

/** `BufferGuestImpl`: both ways, for a buffer is used in one. */
export class GuestBuffer implements ReadableBuffer, WritableBuffer {
  readonly ofHost = false;
  readonly #codec: ElementCodec;
  readonly #cx: Cx;
  readonly #length: number;
  #ptr: number;
  progress = 0;

  constructor(codec: ElementCodec, cx: Cx, ptr: number, length: number) {
    if (length > MAX_BUFFER_LENGTH) trap("stream read/write count too large");
    const { type } = codec;
    if (type !== undefined && length > 0) cx.checkTarget(ptr, type.align, length * type.size, "buffer");
    this.#codec = codec;
    this.#cx = cx;
    this.#ptr = ptr;
    this.#length = length;
  }

  get remain(): number {
    return this.#length - this.progress;
  }

  get isZeroLength(): boolean {
    return this.#length === 0;
  }

  get atOnce(): number {
    const { bytes } = this.#codec;
    const most = Math.min(MAX_COPY_BYTES, this.#cx.isolate.task.limits.hostCallBytes);
    return bytes === 0 ? MAX_BUFFER_LENGTH : Math.max(1, Math.floor(most / bytes));
  }

  read(count: number, forHost: boolean): Elements {
    this.#cx.refresh();
    const { lift, liftForHost, bytes } = this.#codec;
    // The host says itself how much it takes.
    if (!forHost) this.#cx.charge(count * bytes);
    const elements = (forHost ? liftForHost : lift)(this.#cx, this.#ptr, count);
    this.#advance(count);
    return elements;
  }

  write(elements: Elements, byHost: boolean): void {
    this.#cx.refresh();
    const { lower, lowerFromHost } = this.#codec;
    (byHost ? lowerFromHost : lower)(this.#cx, this.#ptr, elements);
    this.#advance(elements.length);
  }

  #advance(count: number): void {
    this.#ptr += count * (this.#codec.type?.size ?? 0);
    this.progress += count;
  }
}
