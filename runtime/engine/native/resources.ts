/**
 * The table of a component instance: handles of resources, waitables, error contexts, under one run of numbers.
 *
 * Implements "Table State" and "Resource State" of CanonicalABI.md.
 *
 * @module
 */
import type { Task } from "../../task.ts";
import { trap } from "./trap.ts";
import type { ResourceType } from "./types.ts";

/** Counts the borrows that a call has handed out and that must be dropped before it returns. */
export interface BorrowScope {
  borrows: number;
}

/** A handle of a resource. `rep` is the host's object, or the number that the owning component gave. */
export class ResourceHandle {
  readonly type: ResourceType;
  readonly rep: unknown;
  readonly own: boolean;
  readonly scope: BorrowScope | undefined;
  lends = 0;

  constructor(type: ResourceType, rep: unknown, own: boolean, scope: BorrowScope | undefined) {
    this.type = type;
    this.rep = rep;
    this.own = own;
    this.scope = scope;
  }
}

/** What a table holds: anything that is an object. Some are bounded by their kind. */
export interface TableEntry {
  /** The limit that bounds how many of its kind there may be, beside the one for all. */
  readonly limit?: "subtasks" | "streams" | undefined;
}

export class HandleTable {
  readonly #entries: (object | undefined)[] = [undefined];
  readonly #free: number[] = [];
  #task: Pick<Task, "limits" | "countLimit">;
  readonly #counts = { subtasks: 0, streams: 0 };
  /** What has been taken, where that is noted. */
  readonly #taken: object[] = [];
  #notesTaken = false;

  /** @param task whose limits hold, so that a guest cannot fill the host's memory with what handles stand for */
  constructor(task: Pick<Task, "limits" | "countLimit">) {
    this.#task = task;
  }

  #exceeded(what: string, limit: "handles" | "subtasks" | "streams"): never {
    this.#task.countLimit(limit);
    return trap(`more than ${this.#task.limits[limit]} ${what} at once (limits.${limit})`);
  }

  add(entry: object): number {
    const { limit } = entry as TableEntry;
    if (limit !== undefined && ++this.#counts[limit] > this.#task.limits[limit]) {
      this.#exceeded(limit === "streams" ? "ends of streams and futures" : "asynchronous calls or threads", limit);
    }
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#entries[free] = entry;
      return free;
    }
    if (this.#entries.length > this.#task.limits.handles) this.#exceeded("handles", "handles");
    return this.#entries.push(entry) - 1;
  }

  /** What is at `index`; traps when nothing is. */
  get(index: number): object {
    return this.#entries[index] ?? trap(`unknown handle index ${index}`);
  }

  remove(index: number): object {
    const entry = this.get(index);
    const { limit } = entry as TableEntry;
    if (limit !== undefined) this.#counts[limit]--;
    this.#entries[index] = undefined;
    this.#free.push(index);
    return entry;
  }

  /** Removes an own handle that goes to somebody else. */
  take(index: number): void {
    const entry = this.remove(index);
    if (this.#notesTaken) this.#taken.push(entry);
  }

  /** From here on until {@linkcode forgetTaken} it is noted what is taken, so that {@linkcode keepTaken} can take it back. */
  noteTaken(): void {
    this.#notesTaken = true;
  }

  forgetTaken(): void {
    this.#notesTaken = false;
    this.#taken.length = 0;
  }

  /** Takes back what was on its way out of an isolate that has trapped, so that its end finds it. */
  keepTaken(): void {
    for (const entry of this.#taken) this.keep(entry);
    this.forgetTaken();
  }

  /** All entries, in the order of their numbers. */
  *values(): Generator<object> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  get size(): number {
    return this.#entries.length - 1 - this.#free.length;
  }

  /** Takes back what was on its way out of an isolate that has trapped, so that its end finds it: limits do not matter. */
  keep(entry: object): void {
    this.#entries.push(entry);
  }

  /** Forgets everything, for another task. */
  begin(task: Pick<Task, "limits" | "countLimit">): void {
    this.#task = task;
    if (this.#entries.length > 1) this.clear();
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.subtasks = this.#counts.streams = 0;
    this.#entries.length = 1;
    this.#free.length = 0;
  }

  /** A handle of this resource type; traps on anything else. */
  resource(index: number, type: ResourceType): ResourceHandle {
    return checked(this.get(index), index, type);
  }
}

export function checked(entry: object, index: number, type: ResourceType): ResourceHandle {
  if (!(entry instanceof ResourceHandle)) trap(`handle index ${index} is not a resource`);
  if (entry.type !== type) {
    trap(`handle index ${index} used with the wrong type, expected ${type.name} but found ${entry.type.name}`);
  }
  return entry;
}

/** Takes an own handle out of a table, as it goes to somebody else. */
export function takeOwn(table: HandleTable, index: number, type: ResourceType): unknown {
  const handle = table.resource(index, type);
  if (handle.lends !== 0) trap(`cannot remove owned resource ${type.name} while borrowed`);
  if (!handle.own) trap(`handle index ${index} is a borrow of ${type.name}, an own is needed`);
  table.take(index);
  return handle.rep;
}
