/**
 * Who may have an isolate now, and who waits: a bounded queue for each function, served in turn, so that a busy function
 * cannot starve a quiet one.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import { FairLine, FairLines, waitInLine } from "./fair_line.ts";
import { DEFAULT_MAX_ISOLATES, type Limits } from "./limits.ts";
import {
  type MemoryAccount,
  type MemoryGate,
  type MemoryNeed,
  type MemoryShare,
  NO_MEMORY,
  processMemory,
} from "./memory.ts";
import { isCircle, type Taken, type Wait } from "./wait_circles.ts";

/** What one function may take of the process's places. */
export interface FunctionShare {
  /** The function's name. */
  readonly name: string;
  readonly limits: Pick<Limits, "isolates" | "queue" | "queueWaitMs">;
  /** What its isolates have from the start. Default: nothing that is known. */
  readonly memory?: MemoryNeed;
}

/** A place for one isolate, and its memory. */
export interface Place {
  readonly memory: MemoryAccount;
  /** Gives the place back. Later calls do nothing. */
  leave(): void;
}

/** Why a request did not get a place. */
export class AdmissionRefusal extends SkerryError {
  override readonly name: string = "AdmissionRefusal";
  /** Which of the function's limits decided that it waits no longer. */
  readonly limit: "queue" | "queueWaitMs";

  constructor(code: "function-busy" | "overloaded", message: string, limit: AdmissionRefusal["limit"]) {
    super(code, message);
    this.limit = limit;
  }
}

/** Who asks for a place and has one already: the task of a function that calls another, or of middleware. */
export interface Holder {
  /** How many calls lead to it. */
  readonly depth: number;
  /** The place that it has. */
  readonly place?: Place | undefined;
  /** Who has called it, and waits for it. */
  readonly calledBy?: Holder | undefined;
}

interface Waiter extends Wait<Line> {
  readonly need: MemoryNeed;
  readonly holder: Holder | undefined;
  readonly admit: () => void;
}

/** A place of a line. */
interface LinePlace extends Place, Taken<Line> {}

/** The places of `holder` and of those who have called it. */
function heldBy(holder: Holder | undefined): LinePlace[] {
  const held: LinePlace[] = [];
  for (let at = holder; at !== undefined; at = at.calledBy) {
    if (at.place !== undefined) held.push(at.place as LinePlace);
  }
  return held;
}

/** One function's places and its line. */
class Line extends FairLine<Waiter> {
  /** Those of them that have a place already. */
  readonly holders = new FairLine<Waiter>();
  /** What its isolates have of the memory. */
  readonly memory: MemoryShare = { bytes: 0, memories: 0 };
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
 * const place = admission.tryEnter(share)!;
 * console.assert(admission.tryEnter(share) === undefined);
 * const next = admission.enter(share, new AbortController().signal);
 * place.leave();
 * (await next).leave();
 * ```
 */
export class Admission {
  /** Where isolates have their memory from. */
  readonly memory: MemoryGate;
  readonly #isolates: number;
  readonly #lines = new Map<string, Line>();
  readonly #turns = new FairLines<Waiter, Line>();
  /** Those who wait and have a place already. */
  readonly #urgent = new FairLines<Waiter, FairLine<Waiter>>();
  /** How many places beyond those of the process each has. */
  readonly #beyond = new Map<Holder, number>();
  /** The depths of calls at which an isolate has more memory than there was. */
  readonly #lent = new Set<number>();
  #running = 0;

  /** @param options `isolates`: how many the whole process may have at once; `memory`: by default the process's. */
  constructor(options: { readonly isolates: number; readonly memory?: MemoryGate }) {
    this.#isolates = options.isolates;
    this.memory = options.memory ?? processMemory;
  }

  /** How many isolates there may be at once. */
  get places(): number {
    return this.#isolates;
  }

  /** Isolates that run now. */
  get running(): number {
    return this.#running;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Whether a function has all the isolates that it may have, however many places are free. */
  hasAll(share: FunctionShare): boolean {
    const line = this.#lineOf(share);
    return line.running >= line.isolates;
  }

  /** A place, if there is one now and nobody waits for it; `undefined` otherwise. */
  tryEnter(share: FunctionShare): Place | undefined {
    const line = this.#lineOf(share);
    const need = share.memory ?? NO_MEMORY;
    if (line.waiting.size > 0 || line.running >= line.isolates || this.#running >= this.#isolates) return undefined;
    return this.memory.fits(need, line.memory) ? this.#take(line, need) : undefined;
  }

  /**
   * A place beyond those of the process, for what a request needs that has one already: if all places, or all memory, were
   * taken by requests that wait for another, none would ever come free. Each holder may have one; more, while there are
   * less than twice as many isolates as places. At each depth of calls one isolate may have memory that is not there: so
   * the deepest always go on, and what they take is bounded. The function's own limit holds.
   */
  tryEnterBeyond(share: FunctionShare, holder: Holder): Place | undefined {
    const line = this.#lineOf(share);
    const need = share.memory ?? NO_MEMORY;
    return this.#hasRoomBeyond(line, need, holder) ? this.#take(line, need, holder) : undefined;
  }

  /**
   * A place, as soon as there is one.
   *
   * @param signal Gives the wait up, with its reason.
   * @param holder Who asks, if it has a place already: see {@linkcode tryEnterBeyond}.
   * @throws {AdmissionRefusal} when too many wait already, or it took too long: `function-busy`, if the function has all the
   * isolates that it may have, and `overloaded`, if the process has. {SkerryError} `component-over-limit`, if there will never be enough
   * memory for it; `loop-detected` or `function-busy`, if those who have the function's places wait for it themselves.
   */
  enter(share: FunctionShare, signal: AbortSignal, holder?: Holder): Promise<Place> {
    const now = this.tryEnter(share) ?? (holder && this.tryEnterBeyond(share, holder));
    if (now !== undefined) return Promise.resolve(now);
    const line = this.#lineOf(share);
    const need = share.memory ?? NO_MEMORY;
    if (!this.memory.mayFit(need)) {
      const [needs, has] = [need.bytes, this.memory.budget].map((bytes) => Math.ceil(bytes / 1024 / 1024));
      return Promise.reject(
        new SkerryError(
          "component-over-limit",
          `admitting a request to ${share.name}: its isolates begin with ${needs} MiB in ${need.memories} memories, and ` +
            `all of the process have ${has}. Set SKERRY_MEMORY_MB.`,
        ),
      );
    }
    const refusal = (limit: AdmissionRefusal["limit"], why: string) => {
      const own = line.running >= line.isolates;
      const full = own
        ? `it has its ${line.isolates} isolates (limits.isolates)`
        : this.#running >= this.#isolates
        ? `the process has its ${this.#isolates} isolates (SKERRY_MAX_ISOLATES)`
        : "the process has no memory left (SKERRY_MEMORY_MB)";
      const message = `admitting a request to ${share.name}: ${full}, and ${why} (limits.${limit})`;
      return new AdmissionRefusal(own ? "function-busy" : "overloaded", message, limit);
    };
    if (line.waiting.size >= share.limits.queue) {
      return Promise.reject(refusal("queue", `${line.waiting.size} requests wait already`));
    }
    const held = heldBy(holder);
    if (held.length > 0 && line.running >= line.isolates && this.#closesCircle({ wants: line, held })) {
      return Promise.reject(circle(share.name, line, held));
    }
    return waitInLine({
      join: (admit) => {
        const waiter: Waiter = { need, holder, wants: line, held, admit };
        const leave = this.#turns.join(line, waiter);
        const leaveHolders = holder && this.#urgent.join(line.holders, waiter);
        if (!this.memory.fits(need, line.memory)) this.memory.whenRoom(this.#admitNext);
        return () => {
          leave();
          leaveHolders?.();
        };
      },
      take: () => this.#take(line, need, holder),
      signal,
      mostMs: share.limits.queueWaitMs,
      late: () => refusal("queueWaitMs", `no place came free within ${share.limits.queueWaitMs} ms`),
    });
  }

  /** Whether whoever comes to wait would do so for ever. */
  #closesCircle(wait: Wait<Line>): boolean {
    const waits = [wait];
    for (const { waiting } of this.#urgent) waits.push(...waiting);
    return isCircle(wait.wants, waits);
  }

  #lineOf(share: FunctionShare): Line {
    let line = this.#lines.get(share.name);
    if (line === undefined) this.#lines.set(share.name, line = new Line());
    line.isolates = share.limits.isolates;
    return line;
  }

  #hasRoomBeyond(line: Line, need: MemoryNeed, holder: Holder): boolean {
    if (line.running >= line.isolates) return false;
    const hasPlace = this.#running < 2 * this.#isolates || !this.#beyond.has(holder);
    return hasPlace &&
      (this.memory.fits(need, line.memory) || (!this.#lent.has(holder.depth) && this.memory.mayFit(need)));
  }

  #take(line: Line, need: MemoryNeed, holder?: Holder): LinePlace {
    const beyond = holder !== undefined && this.#running >= this.#isolates;
    if (beyond) this.#beyond.set(holder, (this.#beyond.get(holder) ?? 0) + 1);
    const lent = holder !== undefined && !this.memory.fits(need, line.memory);
    if (lent) this.#lent.add(holder.depth);
    line.running++;
    this.#running++;
    const memory = this.memory.open(need, line.memory);
    const leave = () => {
      if (place.left) return;
      place.left = true;
      if (beyond) this.#leaveBeyond(holder);
      if (lent) this.#lent.delete(holder.depth);
      line.running--;
      this.#running--;
      memory.close();
      this.#admitNext();
    };
    const place = { memory, leave, of: line, left: false };
    return place;
  }

  #leaveBeyond(holder: Holder): void {
    const left = this.#beyond.get(holder)! - 1;
    if (left > 0) this.#beyond.set(holder, left);
    else this.#beyond.delete(holder);
  }

  /** Gives free places to those who wait. */
  readonly #admitNext = (): void => {
    if (this.#turns.size === 0) return;
    this.#turns.serve(() => this.#running < this.#isolates, (line) => this.#admitFirst(line));
    for (const { waiting } of this.#urgent) {
      for (const { wants, need, holder, admit } of waiting) if (this.#hasRoomBeyond(wants, need, holder!)) admit();
    }
  };

  /** Gives a free place to a line. Answers whether it may have one. */
  #admitFirst(line: Line): boolean {
    // Who has a place already will give back two.
    const first = (line.holders.waiting.first ?? line.waiting.first)!;
    const hasMemory = this.memory.fits(first.need, line.memory);
    if (!hasMemory) this.memory.whenRoom(this.#admitNext);
    if (line.running >= line.isolates || !hasMemory) return false;
    first.admit();
    return true;
  }
}

/** Why a call is not to wait. Where its own request has all the places, no other time will be better. */
function circle(name: string, line: Line, held: readonly LinePlace[]): SkerryError {
  const own = held.filter(({ of }) => of === line).length;
  const places = `all of its ${line.running} isolates (limits.isolates)`;
  return own >= line.running
    ? new SkerryError("loop-detected", `calling ${name}: ${places} wait for this call`)
    : new SkerryError("function-busy", `calling ${name}: ${places} wait for calls that wait for it. Raise the limit.`);
}

/** The places of this process, for everyone who has been given no others. */
export const processAdmission: Admission = new Admission({ isolates: DEFAULT_MAX_ISOLATES });
