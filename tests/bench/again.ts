/**
 * The same work done again and again, for some time.
 *
 * @module
 */
import { percentile } from "./stats.ts";

/** How it went. */
export interface WorkReport {
  /** Operations. */
  readonly count: number;
  readonly elapsedMs: number;
  /** Of one operation. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How often `work` is to be done is not known beforehand: for about `ms` milliseconds. */
export type Worker = (ms: number) => Promise<WorkReport>;

export interface AgainOptions {
  /** What `work` counts for. Default: 1. */
  readonly operations?: number;
  /** After so many, a turn for timers, streams and the collector's tasks, as they have one between requests. */
  readonly pauseEvery?: number;
}

/** Makes what does `work` over and over, at least once. */
export function again(work: () => unknown, { operations = 1, pauseEvery = Infinity }: AgainOptions = {}): Worker {
  return async function workFor(ms) {
    const took: number[] = [];
    const began = performance.now();
    let now = began;
    do {
      const from = now;
      const done = work();
      // What does not wait is not to wait for a microtask either.
      if (done instanceof Promise) await done;
      now = performance.now();
      took.push((now - from) / operations);
      if (took.length % pauseEvery === 0) await new Promise((done) => setTimeout(done, 0));
    } while (now - began < ms);
    took.sort((a, b) => a - b);
    return {
      count: took.length * operations,
      elapsedMs: now - began,
      p50Ms: percentile(took, 0.5),
      p99Ms: percentile(took, 0.99),
    };
  };
}
