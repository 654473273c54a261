/**
 * How long guest code runs.
 *
 * @module
 */
import process from "node:process";
import type { Task } from "../task.ts";
import type { HeapUse } from "./heap.ts";

/** A guest that stops for less has hardly let anyone else run: it may have waited for what was there. */
const PAUSE_MS = 1;

/**
 * Who has run for so long asks whether others have had their turn all the same: who waits for thousands of answers that come
 * within less than that each, such as those of a store, would pass for one that never lets go.
 */
const LONG_MS = 10;

/** Who has run for less without a break is not asked what others had of it: most requests are over by then. */
const SHORT_MS = 0.5;

/** What the process has computed, in milliseconds, on all its threads; `undefined` where nobody says. */
function processMs(): number | undefined {
  try {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  } catch {
    return undefined;
  }
}

/**
 * Counts the time in which guest code of an isolate runs: from where it is entered or resumed to where it ends or is
 * suspended. What the host does meanwhile on its behalf, without waiting, is part of it.
 */
export class CpuClock {
  readonly #task: Task;
  /** Since when guest code runs without a break, by `performance.now()`; negative when it does not. */
  #since = -1;
  #stoppedAt = 0;
  /** What has run in this slice before that. */
  #sliceMs = 0;
  /** Whether it will hear when others have had their turn. */
  #asked = false;

  /** What the process had computed when it was first asked for in this slice. */
  #processAtMs: number | undefined;
  /** When {@linkcode look} was last called, and what the process had computed by then. */
  #lookedAt = 0;
  #lookedMs: number | undefined;
  /** For how long others had the processor since guest code began to run without a break. */
  #lostMs = 0;
  /** What else is counted while guest code runs, for guests that make objects in the host's heap. */
  #heap: HeapUse | undefined;

  constructor(task: Task, heap?: HeapUse) {
    this.#task = task;
    this.#heap = heap;
  }

  get heap(): HeapUse | undefined {
    return this.#heap;
  }

  /** Counts from now on what is added to the host's heap while guest code runs, which it does. */
  watch(heap: HeapUse): void {
    heap.start();
    this.#heap = heap;
  }

  /** Whether guest code runs. */
  get running(): boolean {
    return this.#since >= 0;
  }

  start(): void {
    if (this.#since >= 0) return;
    this.#since = performance.now();
    if (this.#since - this.#stoppedAt >= PAUSE_MS) this.turned();
    this.#heap?.start();
  }

  stop(): void {
    if (this.#since < 0) return;
    this.#stoppedAt = performance.now();
    const ms = this.#stoppedAt - this.#since;
    this.#task.cpuMs += ms - this.#lostMs;
    this.#sliceMs += ms;
    this.#lostMs = 0;
    this.#since = -1;
    this.#heap?.stop();
    if (this.#sliceMs >= LONG_MS && !this.#asked) this.#askForTurn();
  }

  /** Hears when the event loop has come to its timers, and so to its sockets: it cannot while guest code runs. */
  #askForTurn(): void {
    setTimeout(() => {
      this.#asked = false;
      this.turned();
    }, 0);
    this.#asked = true;
  }

  /** Others have had their turn: a new slice begins. */
  turned(): void {
    this.#sliceMs = 0;
    this.#processAtMs = undefined;
  }

  /**
   * Finds out what others had of the processor since it was last called: what the process has not computed, the guest has
   * not either. It takes a microsecond, so it is for guests that run long; others are charged by the clock on the wall.
   * Returns the time, by `performance.now()`.
   */
  look(): number {
    const before = performance.now();
    if (this.#since >= 0 && before - this.#since < SHORT_MS) return before;
    // In this order: a system likes to give the processor away as it answers.
    const computed = processMs();
    const now = performance.now();
    if (computed === undefined) return now;
    if (this.#lookedMs !== undefined) {
      const used = computed - this.#lookedMs;
      // Some systems count in steps of many milliseconds: then it is too early to tell.
      if (used === 0) return now;
      if (this.#since >= 0) this.#lostMs += Math.max(0, now - Math.max(this.#lookedAt, this.#since) - used);
    }
    this.#lookedAt = now;
    this.#lookedMs = computed;
    return now;
  }

  /** For how long guest code has run without a pause in which others could, in milliseconds; 0 when it does not. */
  sliceMs(now: number): number {
    return this.#since < 0 ? 0 : this.#sliceMs + now - this.#since;
  }

  /**
   * Like {@linkcode sliceMs}, but no more than the process has computed since this was first asked for in the slice: where
   * many processes share a core, a guest may have had the processor for a small part of the time.
   */
  computedMs(now: number): number {
    const computed = processMs();
    if (computed === undefined) return this.sliceMs(now);
    this.#processAtMs ??= computed;
    return Math.min(this.sliceMs(now), computed - this.#processAtMs);
  }

  /** What the task has computed by `now`, in milliseconds. */
  cpuMs(now: number): number {
    return this.#task.cpuMs + (this.#since < 0 ? 0 : now - this.#since - this.#lostMs);
  }
}
