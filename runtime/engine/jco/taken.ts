/**
 * What a guest takes of the host's memory through generated code: handles, streams, calls under way, lists and strings.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { LIFTED_VALUE_BYTES, type LimitName, MAX_READ_BYTES } from "../../limits.ts";
import type { Task } from "../../task.ts";

/** What patched code calls. */
export interface Taking {
  /** A table of handles grows by one. */
  handleAdded(): void;
  /** The guest has `thing` from now on. */
  holds(limit: "subtasks" | "streams", thing: object): void;
  /** The guest has `thing` no longer. Nothing happens if it never had it. */
  lets(thing: object): void;
  /** Counts what is lifted out of the guest's memory. */
  charge(bytes: number): void;
  /** What an element counts of a stream or future that is lifted one by one. */
  elementBytes(meta: ElementMeta): number;
  /** How many of `count` elements go from one buffer to the other at once. */
  atOnce(count: number, from: CopyBuffer, to: CopyBuffer): number;
  /** Counts the bytes of a list, and answers them. */
  list(bytes: number): number;
  /** Text out of the guest's memory. */
  text(decoder: TextDecoder, bytes: ArrayBufferView<ArrayBuffer>): string;
  /** Bytes of a stream that are read at once. */
  chunk(bytes: number): void;
  /** What is lifted from here on belongs to another call. */
  another(): void;
}

/** What generated code knows of the elements of a stream or future. */
export interface ElementMeta {
  readonly size32?: number;
  /** How many values an element is made of, if of more than itself. */
  readonly elemParts?: number;
}

/** Where generated code reads or writes a stream. */
export interface CopyBuffer {
  /** -1 for the host's. */
  componentIdx(): number;
  getElemMeta(): ElementMeta & { readonly payloadTypeName?: string; readonly isNone?: boolean };
}

/** What goes from one component to another at once, in the bytes that it counts. */
const MAX_COPY_BYTES = 1024 * 1024;

/** What an element of no type takes: generated code makes a list of `null`s. */
const NOTHING_BYTES = 8;

const THINGS = { subtasks: "asynchronous calls", streams: "ends of streams and futures" } as const;

/** Counts for one isolate. All throw what `trap` makes of their reason, once the guest has more than it may. */
export class Taken implements Taking {
  readonly #task: Task;
  readonly #trap: (error: SkerryError) => Error;
  readonly #moved: (bytes: number) => void;
  readonly #held = { subtasks: new Set<object>(), streams: new Set<object>() };
  #handles = 0;
  #liftable: number;

  /**
   * @param trap Ends the isolate for the reason given; answers what no guest can catch.
   * @param moved Hears of each string and list.
   */
  constructor(task: Task, trap: (error: SkerryError) => Error, moved: (bytes: number) => void) {
    this.#moved = moved;
    this.#task = task;
    this.#trap = trap;
    this.#liftable = task.limits.hostCallBytes;
  }

  #exceeded(limit: LimitName, what: string): never {
    this.#task.countLimit(limit);
    const { function: name, limits } = this.#task;
    const message = `running ${name}: more than ${limits[limit]} ${what} at once (limits.${limit})`;
    throw this.#trap(new SkerryError("guest-trapped", message));
  }

  /** Tables keep their room: this is the most there were at once, in all of them. */
  handleAdded(): void {
    if (++this.#handles > this.#task.limits.handles) this.#exceeded("handles", "handles");
  }

  holds(limit: "subtasks" | "streams", thing: object): void {
    const held = this.#held[limit].add(thing);
    if (held.size > this.#task.limits[limit]) this.#exceeded(limit, THINGS[limit]);
  }

  lets(thing: object): void {
    if (!this.#held.streams.delete(thing)) this.#held.subtasks.delete(thing);
  }

  charge(bytes: number): void {
    // Generated code takes lengths past 2^31 for negative ones, and for such lists would give back what others took.
    this.#liftable -= bytes >= 0 ? bytes : Infinity;
    if (this.#liftable >= 0) this.#moved(bytes);
    else this.#exceeded("hostCallBytes", "bytes of lists and strings");
  }

  elementBytes({ size32, elemParts }: ElementMeta): number {
    return (size32 ?? 0) + LIFTED_VALUE_BYTES * (1 + (elemParts ?? 0));
  }

  atOnce(count: number, from: CopyBuffer, to: CopyBuffer): number {
    // The host says itself how much it takes and gives.
    if (from.componentIdx() === -1 || to.componentIdx() === -1) return count;
    const meta = from.getElemMeta();
    const bytes = meta.isNone === true ? NOTHING_BYTES : meta.payloadTypeName === "U8" ? 1 : this.elementBytes(meta);
    const most = Math.min(MAX_COPY_BYTES, this.#task.limits.hostCallBytes);
    return Math.min(count, Math.max(1, Math.floor(most / bytes)));
  }

  /** A list's bytes, which it returns. */
  list(bytes: number): number {
    this.charge(bytes + LIFTED_VALUE_BYTES);
    return bytes;
  }

  text(decoder: TextDecoder, bytes: ArrayBufferView<ArrayBuffer>): string {
    this.charge(bytes.byteLength + LIFTED_VALUE_BYTES);
    return decoder.decode(bytes);
  }

  chunk(bytes: number): void {
    // The host reads no more at once; another guest may.
    if (bytes > MAX_READ_BYTES) this.charge(bytes);
  }

  another(): void {
    this.#liftable = this.#task.limits.hostCallBytes;
  }
}
