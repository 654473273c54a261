/**
 * Who may have an isolate now, and who waits: a bounded queue for each function, served in turn, so that a busy function
 * cannot starve a quiet one.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import { DEFAULT_MAX_ISOLATES, type Limits } from "./limits.ts";

/** What one function may take of the process's places. */
export interface FunctionShare {
  /** The function's name. */
  readonly name: string;
  readonly limits: Pick<Limits, "isolates" | "queue" | "queueWaitMs">;
}

/** Gives the place back. Later calls do nothing. */
export type Leave = () => void;

interface Waiter {
  readonly admit: () => void;
}

/** One function's places and its line. */
class Line {
  readonly waiting = new Set<Waiter>();
  running = 0;
  /** What the function may have at once, as of its newest version. */
  isolates = 0;
}

/**
 * The places of a process.
 *
 * @example
 * ```ts
 * import { Admission } from "./admission.ts";
 *
 * const admission = new Admission({ isolates: 1 });
 * const share = { name: "hello", limits: { isolates: 10, queue: 10, queueWaitMs: 1000 } };
 * const leave = admission.tryEnter(share)!;
 * console.assert(admission.tryEnter(share) === undefined);
 * const next = admission.enter(share, new AbortController().signal);
 * leave();
 * (await next)();
 * ```
 */
export class Admission {
  readonly #isolates: number;
  readonly #lines = new Map<string, Line>();
  /** Lines with somebody in them, in the order of their turns. */
  readonly #turns = new Set<Line>();
  #running = 0;

  /** @param options `isolates`: how many the whole process may have at once. */
  constructor(options: { readonly isolates: number }) {
    this.#isolates = options.isolates;
  }

  /** Isolates that run now. */
  get running(): number {
    return this.#running;
  }

  /** Requests that wait. */
  get waiting(): number {
    let count = 0;
    for (const line of this.#turns) count += line.waiting.size;
    return count;
  }

  /** A place, if there is one now and nobody waits for it; `undefined` otherwise. */
  tryEnter(share: FunctionShare): Leave | undefined {
    const line = this.#lineOf(share);
    if (line.waiting.size > 0 || line.running >= line.isolates || this.#running >= this.#isolates) return undefined;
    return this.#take(line);
  }

  /**
   * A place, as soon as there is one.
   *
   * @param signal Gives the wait up, with its reason.
   * @throws {SkerryError} `overloaded`, when too many wait already or it took too long.
   */
  enter(share: FunctionShare, signal: AbortSignal): Promise<Leave> {
    const now = this.tryEnter(share);
    if (now !== undefined) return Promise.resolve(now);
    const line = this.#lineOf(share);
    if (line.waiting.size >= share.limits.queue) {
      return Promise.reject(
        new SkerryError(
          "overloaded",
          `admitting a request to ${share.name}: ${line.waiting.size} wait already (limits.queue)`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const give = (outcome: () => void) => {
        line.waiting.delete(waiter);
        if (line.waiting.size === 0) this.#turns.delete(line);
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        outcome();
      };
      const waiter: Waiter = { admit: () => give(() => resolve(this.#take(line))) };
      const aborted = () => give(() => reject(signal.reason));
      const timer = setTimeout(
        () =>
          give(() =>
            reject(
              new SkerryError(
                "overloaded",
                `admitting a request to ${share.name}: no place within ${share.limits.queueWaitMs} ms (limits.queueWaitMs)`,
              ),
            )
          ),
        share.limits.queueWaitMs,
      );
      line.waiting.add(waiter);
      this.#turns.add(line);
      if (signal.aborted) aborted();
      else signal.addEventListener("abort", aborted, { once: true });
    });
  }

  #lineOf(share: FunctionShare): Line {
    let line = this.#lines.get(share.name);
    if (line === undefined) this.#lines.set(share.name, line = new Line());
    line.isolates = share.limits.isolates;
    return line;
  }

  #take(line: Line): Leave {
    line.running++;
    this.#running++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      line.running--;
      this.#running--;
      this.#admitNext();
    };
  }

  /** Gives free places to the lines in turn, one each. */
  #admitNext(): void {
    let skipped = 0;
    while (this.#running < this.#isolates && skipped < this.#turns.size) {
      const [line] = this.#turns;
      // To the back of the turns, whether it gets a place or has all that it may have.
      this.#turns.delete(line!);
      this.#turns.add(line!);
      if (line!.running >= line!.isolates) {
        skipped++;
        continue;
      }
      skipped = 0;
      const [first] = line!.waiting;
      first!.admit();
    }
  }
}

/** The places of this process, for everyone who has been given no others. */
export const processAdmission: Admission = new Admission({ isolates: DEFAULT_MAX_ISOLATES });
