/**
 * Deadlines of tasks. A timer for each would cost more than all the rest of a small task: tasks with the same wall time
 * end in the order in which they began, so one timer for the first of them serves all.
 *
 * @module
 */
import { Roster } from "./roster.ts";

/** Something that has to be over in time. */
export interface Expiring {
  /** `performance.now()` at which it has to be over. */
  readonly expiresAt: number;
  /** Called when it was not. */
  expire(): void;
}

/** Those with one wall time, oldest first. */
class Queue {
  readonly #wallMs: number;
  readonly #waiting = new Roster<Expiring>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armed = false;

  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  add(item: Expiring): () => void {
    const entry = this.#waiting.add(item);
    if (this.#waiting.size === 1) {
      if (!this.#armed) this.#arm(this.#wallMs);
      else Deno.refTimer(this.#timer as unknown as number);
    }
    return () => {
      // The timer stays for the next task, but is no reason for the process to stay.
      if (this.#waiting.delete(entry) && this.#waiting.size === 0 && this.#armed) {
        Deno.unrefTimer(this.#timer as unknown as number);
      }
    };
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms));
  }

  #expire(): void {
    this.#armed = false;
    const now = performance.now();
    try {
      for (;;) {
        const { first } = this.#waiting;
        if (first === undefined) {
          // A call of another function has the time that its caller has left, which is hardly ever the same.
          queues.delete(this.#wallMs);
          return;
        }
        if (first.expiresAt > now) {
          // One that began while another ended may have set the timer: a second one would be set again for ever.
          if (!this.#armed) this.#arm(first.expiresAt - now);
          return;
        }
        this.#waiting.shift();
        first.expire();
      }
    } finally {
      // One of them threw: the others have their deadlines all the same.
      if (this.#waiting.size > 0 && !this.#armed) this.#arm(0);
    }
  }
}

const queues = new Map<number, Queue>();

/** The queue for a wall time. It is there until its timer finds nobody in it. */
function queueOf(wallMs: number): Queue {
  let queue = queues.get(wallMs);
  if (queue === undefined) queues.set(wallMs, queue = new Queue(wallMs));
  return queue;
}

/**
 * Calls `item.expire()` when `wallMs` milliseconds have passed. Returns a function that calls it off.
 *
 * @example
 * ```ts
 * import { expireAfter } from "./deadline.ts";
 *
 * const callOff = expireAfter(60_000, { expiresAt: performance.now() + 60_000, expire: () => console.log("too late") });
 * callOff();
 * ```
 */
export function expireAfter(wallMs: number, item: Expiring): () => void {
  return queueOf(wallMs).add(item);
}
