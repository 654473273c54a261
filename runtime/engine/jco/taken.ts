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
  /** The same for the bytes of a list, and answers them. */
  list(bytes: number): number;
  /** Text out of the guest's memory. */
  text(decoder: TextDecoder, bytes: ArrayBufferView<ArrayBuffer>): string;
  /** Bytes of a stream that are read at once. */
  chunk(bytes: number): void;
  /** What is lifted from here on belongs to another call. */
  another(): void;
}

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
    this.#liftable -= bytes;
    this.#moved(bytes);
    if (this.#liftable < 0) this.#exceeded("hostCallBytes", "bytes of lists and strings");
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
