/**
 * Waitables, sets of them, and subtasks.
 *
 * Implements "Waitable State" and "Subtask State" of CanonicalABI.md.
 *
 * @module
 */
import type { ResourceHandle, TableEntry } from "../resources.ts";
import { trap } from "../trap.ts";
import type { Maybe, TaskThread } from "./task.ts";

export const EVENT_NONE = 0;
export const EVENT_SUBTASK = 1;
export const EVENT_STREAM_READ = 2;
export const EVENT_STREAM_WRITE = 3;
export const EVENT_FUTURE_READ = 4;
export const EVENT_FUTURE_WRITE = 5;
export const EVENT_TASK_CANCELLED = 6;

export type Event = readonly [code: number, index: number, payload: number];

/** What an operation answers that has not ended yet. */
export const BLOCKED = -1;

/**
 * Why a guest ends that cancels what it waits for in a set, without a word to that set, where the cancelling is not over at once.
 * Guests cancel so that wit-bindgen made before 0.60, and Wasmtime let them until 48: who runs one finds nothing of it in its
 * source.
 */
export const CANCELLED_IN_SET = "waitable cannot be used synchronously while it is in a waitable set; wit-bindgen " +
  "before 0.60 makes such guests, which have to be built again with a newer one";

export class Waitable implements TableEntry {
  readonly limit: TableEntry["limit"] = undefined;
  #pending: (() => Event) | undefined;
  #set: WaitableSet | undefined;
  hasSyncWaiter = false;

  get inSet(): boolean {
    return this.#set !== undefined;
  }

  get hasEvent(): boolean {
    return this.#pending !== undefined;
  }

  setEvent(event: () => Event): void {
    this.#pending = event;
    this.#set?.ready.add(this);
  }

  takeEvent(): Event {
    const pending = this.#pending!;
    this.#pending = undefined;
    this.#set?.ready.delete(this);
    return pending();
  }

  /** For a synchronous operation: blocks the thread until there is an event. */
  async waitForEvent(thread: TaskThread): Promise<void> {
    this.hasSyncWaiter = true;
    await thread.waitUntil(() => this.hasEvent);
    this.hasSyncWaiter = false;
  }

  join(set: WaitableSet | undefined): void {
    if (this.#set !== undefined) {
      this.#set.size--;
      this.#set.ready.delete(this);
    }
    this.#set = set;
    if (set === undefined) return;
    set.size++;
    if (this.hasEvent) set.ready.add(this);
  }

  drop(): void {
    this.join(undefined);
  }
}

export class WaitableSet {
  /** How many are in it. */
  size = 0;
  /**
   * Those that have an event, who had theirs first before the others: nobody has to look through the rest, and a busy one does
   * not keep others from being heard.
   */
  readonly ready: Set<Waitable> = new Set();
  waiting = 0;

  get hasEvent(): boolean {
    return this.ready.size > 0;
  }

  takeEvent(): Event {
    for (const waitable of this.ready) return waitable.takeEvent();
    return [EVENT_NONE, 0, 0];
  }

  /** Blocks until there is an event and `ready`. */
  wait(thread: TaskThread, cancellable: boolean, ready: () => boolean = () => true): Maybe<Event> {
    this.waiting++;
    const waited = thread.waitUntil(() => ready() && this.hasEvent, cancellable);
    const after = (cancelled: boolean): Event => {
      this.waiting--;
      return cancelled ? [EVENT_TASK_CANCELLED, 0, 0] : this.takeEvent();
    };
    return typeof waited === "boolean" ? after(waited) : waited.then(after);
  }

  drop(): void {
    if (this.size > 0) trap("cannot drop waitable set with waitables in it");
    if (this.waiting > 0) trap("cannot drop waitable set with waiters");
  }
}

export const SUBTASK_STARTING = 0;
export const SUBTASK_STARTED = 1;
export const SUBTASK_RETURNED = 2;
export const SUBTASK_CANCELLED_BEFORE_STARTED = 3;
export const SUBTASK_CANCELLED_BEFORE_RETURNED = 4;

/** A call as its caller sees it. */
export class Subtask extends Waitable {
  override readonly limit = "subtasks";
  state = SUBTASK_STARTING;
  lenders: ResourceHandle[] | undefined = undefined;
  cancellationRequested = false;
  /** Asks the callee to stop; a promise lasts as long as the callee runs for it. */
  onCancel: (() => Promise<void> | undefined) | undefined;
  #delivered = false;

  get resolved(): boolean {
    return this.state >= SUBTASK_RETURNED;
  }

  get delivered(): boolean {
    return this.#delivered;
  }

  /** The callee has answered with a result, or was cancelled. */
  resolve(cancelled: boolean): void {
    if (!cancelled) this.state = SUBTASK_RETURNED;
    else {
      this.state = this.state === SUBTASK_STARTING
        ? SUBTASK_CANCELLED_BEFORE_STARTED
        : SUBTASK_CANCELLED_BEFORE_RETURNED;
    }
  }

  /** The caller knows: what it lent is its own again. */
  deliver(): void {
    this.#delivered = true;
    if (this.lenders !== undefined) { for (const handle of this.lenders) handle.lends--; }
    this.lenders = undefined;
  }

  override drop(): void {
    if (!this.#delivered) trap("cannot drop a subtask which has not yet resolved");
    super.drop();
  }
}
