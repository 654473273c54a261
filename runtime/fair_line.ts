/**
 * Lines in which requests wait for what a process has only so much of, one line for each function, served in turn: a busy
 * function cannot starve a quiet one.
 *
 * @module
 */
import { type Entry, Roster } from "./roster.ts";

/** Those of one function who wait, in the order in which they came. */
export class FairLine<W> {
  readonly waiting: Roster<W> = new Roster<W>();
  /** Where it stands among the lines, while somebody is in it: {@linkcode FairLines} sets it. */
  turn: Entry<this> | undefined = undefined;
}

/**
 * The lines with somebody in them, in the order of their turns.
 *
 * @example
 * ```ts
 * import { FairLine, FairLines } from "./fair_line.ts";
 *
 * const lines = new FairLines<string, FairLine<string>>();
 * const [busy, quiet] = [new FairLine<string>(), new FairLine<string>()];
 * const leave = new Map(["first", "second"].map((name) => [name, lines.join(busy, name)]));
 * leave.set("other", lines.join(quiet, "other"));
 * const served: string[] = [];
 * lines.serve(() => true, ({ waiting }) => {
 *   served.push(waiting.first!);
 *   leave.get(waiting.first!)!();
 *   return true;
 * });
 * console.assert(served.join() === "first,other,second" && lines.waiting === 0);
 * ```
 */
export class FairLines<W, L extends FairLine<W>> implements Iterable<L> {
  readonly #turns = new Roster<L>();

  /** How many lines there are. */
  get size(): number {
    return this.#turns.size;
  }

  /** How many wait in all of them. */
  get waiting(): number {
    let count = 0;
    for (const line of this.#turns) count += line.waiting.size;
    return count;
  }

  /** Has `waiter` wait behind all others of its line. Calling what is returned, once, takes it out again. */
  join(line: L, waiter: W): () => void {
    const place = line.waiting.add(waiter);
    line.turn ??= this.#turns.add(line);
    return () => {
      line.waiting.delete(place);
      if (line.waiting.size > 0) return;
      this.#turns.delete(line.turn!);
      line.turn = undefined;
    };
  }

  /**
   * Gives what is free to the lines in turn, one each, for as long as there is something, and somebody who may have it.
   *
   * @param admit Lets one of the line have it, who leaves the line. Answers whether there was one who may.
   */
  serve(isFree: () => boolean, admit: (line: L) => boolean): void {
    for (let skipped = 0; isFree() && skipped < this.#turns.size;) {
      // To the back of the turns, whether it gets something or has all that it may have.
      const line = this.#turns.shift()!;
      line.turn = this.#turns.add(line);
      skipped = admit(line) ? 0 : skipped + 1;
    }
  }

  /** The lines that are there now, whichever leave meanwhile. */
  [Symbol.iterator](): Iterator<L> {
    return this.#turns[Symbol.iterator]();
  }
}

/** How somebody waits in a line. */
export interface Waiting<T> {
  /** Has it wait. `admit` is to be called when its turn has come. What is returned takes it out of the line. */
  readonly join: (admit: () => void) => () => void;
  /** Takes what it has waited for. */
  readonly take: () => T;
  /** Gives the wait up, with its reason. */
  readonly signal: AbortSignal;
  readonly mostMs: number;
  /** The error of who has waited as long as that. */
  readonly late: () => Error;
}

/** What somebody waits for, once it has been admitted. It is in the line when this returns, and no longer as it settles. */
export function waitInLine<T>({ join, take, signal, mostMs, late }: Waiting<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (outcome: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      outcome();
      leave();
    };
    const aborted = () => give(() => reject(signal.reason));
    const timer = setTimeout(() => give(() => reject(late())), mostMs);
    const leave = join(() => give(() => resolve(take())));
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted, { once: true });
  });
}
