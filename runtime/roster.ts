/**
 * Who is there now, for those who come and go with each request.
 *
 * A `Set` would do, but for V8's collector: a table that it leaves behind for a new one keeps a reference to that, and
 * one which has become old keeps all later ones alive, and what was in them, until everything is collected. Each request
 * that came and went through a `Set` cost more in collections than in all the rest of it.
 *
 * @module
 */

/** Where an item stands in a {@linkcode Roster}. */
class Entry<T> {
  readonly item: T;
  previous: Entry<T> | undefined = undefined;
  next: Entry<T> | undefined = undefined;
  here = true;

  constructor(item: T) {
    this.item = item;
  }
}

export type { Entry };

/**
 * Items in the order in which they came. What has left refers to nothing that came later.
 *
 * @example
 * ```ts
 * import { Roster } from "./roster.ts";
 *
 * const roster = new Roster<string>();
 * const first = roster.add("first");
 * roster.add("second");
 * roster.delete(first);
 * console.assert(roster.size === 1 && roster.first === "second");
 * ```
 */
export class Roster<T> implements Iterable<T> {
  #first: Entry<T> | undefined;
  #last: Entry<T> | undefined;
  #size = 0;

  /** How many are there. */
  get size(): number {
    return this.#size;
  }

  /** Who has been there longest. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Adds `item` behind all others. What is returned takes it away again. */
  add(item: T): Entry<T> {
    const entry = new Entry(item);
    const last = this.#last;
    if (last === undefined) this.#first = entry;
    else {
      last.next = entry;
      entry.previous = last;
    }
    this.#last = entry;
    this.#size++;
    return entry;
  }

  /** Takes an item away. Answers whether it was there. */
  delete(entry: Entry<T>): boolean {
    if (!entry.here) return false;
    entry.here = false;
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    entry.previous = entry.next = undefined;
    this.#size--;
    return true;
  }

  /** Takes away who has been there longest. */
  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.delete(first);
    return first?.item;
  }

  /** Those who are there now, whoever leaves meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    const items: T[] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.next) items.push(entry.item);
    return items[Symbol.iterator]();
  }
}
