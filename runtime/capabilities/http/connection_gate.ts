/**
 * How many connections to other servers the process has at once, and whose turn it is when there are no more.
 *
 * @module
 */
import { FairLine, FairLines, waitInLine } from "../../fair_line.ts";
import { CONNECTION_WAIT_MS, DEFAULT_MAX_OUTGOING_CONNECTIONS } from "../../limits.ts";

/** There was no connection for a request, and there would be none soon. */
export class NoConnection extends Error {
  override readonly name = "NoConnection";
}

interface Waiter {
  readonly admit: () => void;
}

/** What one function has, and its line. */
class Line extends FairLine<Waiter> {
  open = 0;
}

/**
 * The connections of a process. One function has at most half of them, so that one whose upstream is slow leaves room for
 * the others; functions that wait are served in turn.
 *
 * @example
 * ```ts
 * import { ConnectionGate } from "./connection_gate.ts";
 *
 * const gate = new ConnectionGate({ most: 2 });
 * const leave = await gate.enter("a", new AbortController().signal);
 * const second = gate.enter("a", new AbortController().signal); // waits: half of two is one
 * console.assert(gate.open === 1 && gate.waiting === 1);
 * leave();
 * (await second)();
 * console.assert(gate.open === 0 && gate.waited === 1);
 * ```
 */
export class ConnectionGate {
  /** How many there may be at once. */
  readonly most: number;
  readonly #share: number;
  readonly #waitMs: number;
  readonly #lines = new Map<string, Line>();
  readonly #turns = new FairLines<Waiter, Line>();
  /** Connections that are open for a request that may never come. */
  readonly #idle = new Set<{ readonly name: string; readonly close: () => void }>();
  #open = 0;
  #waited = 0;
  #refused = 0;

  /** @param options `waitMs`: how long a request waits at most. */
  constructor(options: { readonly most?: number | undefined; readonly waitMs?: number | undefined } = {}) {
    this.most = options.most ?? DEFAULT_MAX_OUTGOING_CONNECTIONS;
    this.#share = Math.ceil(this.most / 2);
    this.#waitMs = options.waitMs ?? CONNECTION_WAIT_MS;
  }

  /** Connections that are taken now. */
  get open(): number {
    return this.#open;
  }

  /** Requests that wait for one. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** How many have waited so far. */
  get waited(): number {
    return this.#waited;
  }

  /** How many were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** A connection for a function, if there is one now and nobody of it waits. Calling what is returned gives it back. */
  tryEnter(name: string): (() => void) | undefined {
    const line = this.#lines.get(name) ?? new Line();
    if (line.waiting.size > 0 || !this.#hasRoom(line)) return undefined;
    this.#lines.set(name, line);
    return this.#take(name, line);
  }

  /**
   * A connection for a function, as soon as there is one. It is taken until the returned function is called; later calls do
   * nothing.
   *
   * @param signal Gives the wait up, with its reason.
   * @throws {NoConnection} when as many of the function wait already as the process has, or it took too long.
   */
  enter(name: string, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const now = this.tryEnter(name);
    if (now !== undefined) return Promise.resolve(now);
    let line = this.#lines.get(name);
    if (line === undefined) this.#lines.set(name, line = new Line());
    const own = line;
    if (own.waiting.size === 0 && this.#closeIdle(name, own)) {
      const freed = this.tryEnter(name);
      if (freed !== undefined) return Promise.resolve(freed);
    }
    if (own.waiting.size >= this.most) return Promise.reject(this.#refusal(own, `${own.waiting.size} wait already`));
    this.#waited++;
    return waitInLine({
      join: (admit) => {
        const leave = this.#turns.join(own, { admit });
        return () => {
          leave();
          this.#forget(name, own);
        };
      },
      take: () => this.#take(name, own),
      signal,
      mostMs: this.#waitMs,
      late: () => this.#refusal(own, `none came free within ${this.#waitMs} ms`),
    });
  }

  /**
   * Notes that nobody uses a connection of a function. When somebody else wants one, `close` is called, which has to give
   * it back. Calling what is returned takes the note back.
   */
  idle(name: string, close: () => void): () => void {
    const note = { name, close };
    this.#idle.add(note);
    return () => this.#idle.delete(note);
  }

  /** Closes a connection that nobody uses, so that there is room in a line. Answers whether there was one. */
  #closeIdle(name: string, line: Line): boolean {
    for (const note of this.#idle) {
      if (line.open >= this.#share && note.name !== name) continue;
      this.#idle.delete(note);
      note.close();
      return true;
    }
    return false;
  }

  #hasRoom(line: Line): boolean {
    return this.#open < this.most && line.open < this.#share;
  }

  #take(name: string, line: Line): () => void {
    line.open++;
    this.#open++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      line.open--;
      this.#open--;
      this.#forget(name, line);
      this.#admitNext();
    };
  }

  /** A line that nobody stands in is not kept for a function that may never come again. */
  #forget(name: string, line: Line): void {
    if (line.open === 0 && line.waiting.size === 0) this.#lines.delete(name);
  }

  /** Gives free connections to those who wait. */
  #admitNext(): void {
    if (this.#turns.size === 0) return;
    this.#turns.serve(() => this.#open < this.most, (line) => {
      if (!this.#hasRoom(line)) return false;
      line.waiting.first!.admit();
      return true;
    });
  }

  #refusal(line: Line, why: string): NoConnection {
    this.#refused++;
    const full = line.open >= this.#share
      ? `the function has its ${line.open} connections, half of what the process has`
      : `the process has its ${this.most} connections`;
    return new NoConnection(`${full} (SKERRY_MAX_OUTGOING_CONNECTIONS), and ${why}`);
  }
}

/** The connections of this process, for everyone who has been given no others. */
export const processConnections: ConnectionGate = new ConnectionGate();
