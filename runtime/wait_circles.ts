/**
 * Who waits for whom: calls between functions that can only wait for each other.
 *
 * A function that calls another holds its place until the answer is there. Where all that hold a function's places wait, at
 * last, for a place of that same function, none will come free, however long they wait.
 *
 * @module
 */

/** A function's places. */
export interface Places {
  /** How many there may be. */
  readonly isolates: number;
  /** How many are taken. */
  readonly running: number;
}

/** A place that is taken. */
export interface Taken<P extends Places> {
  readonly of: P;
  /** Whether it has been given back. */
  readonly left: boolean;
}

/** A call that waits for a place of `wants`, while those who lead to it hold theirs. */
export interface Wait<P extends Places> {
  readonly wants: P;
  readonly held: readonly Taken<P>[];
}

/**
 * Whether no place of `wants` can come free, for each is held for one of `waits`, and those only wait for each other.
 *
 * @example
 * ```ts
 * import { isCircle } from "./wait_circles.ts";
 *
 * const [left, right] = [{ isolates: 1, running: 1 }, { isolates: 1, running: 1 }];
 * const there = { wants: right, held: [{ of: left, left: false }] };
 * const back = { wants: left, held: [{ of: right, left: false }] };
 * console.assert(!isCircle(right, [there]) && isCircle(left, [there, back]));
 * ```
 */
export function isCircle<P extends Places>(wants: P, waits: readonly Wait<P>[]): boolean {
  // All that are full may be stuck, until there is a place whose holder does not wait for one that is stuck.
  const stuck = new Set(waits.map((wait) => wait.wants).filter(({ running, isolates }) => running >= isolates));
  for (let before = -1; before !== stuck.size && stuck.has(wants);) {
    before = stuck.size;
    const held = new Map<P, Set<Taken<P>>>();
    for (const wait of waits) {
      if (!stuck.has(wait.wants)) continue;
      for (const place of wait.held) {
        const places = held.get(place.of);
        if (place.left) continue;
        if (places === undefined) held.set(place.of, new Set([place]));
        else places.add(place);
      }
    }
    for (const places of stuck) if ((held.get(places)?.size ?? 0) < places.running) stuck.delete(places);
  }
  return stuck.has(wants);
}
