/**
 * What a process has used so far.
 *
 * @module
 */
import process from "node:process";

/** Counters of one process. */
export interface Usage {
  /** CPU time of all threads, in microseconds. */
  readonly cpuUs: number;
  readonly rssMb: number;
  /** A clock that only goes forward, in milliseconds. */
  readonly atMs: number;
}

/** The counters of this process, now. */
export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssMb: Deno.memoryUsage().rss / 1e6, atMs: performance.now() };
}

/** How many cores were busy between two readings. */
export function coresBetween(from: Usage, to: Usage): number {
  return (to.cpuUs - from.cpuUs) / 1000 / (to.atMs - from.atMs);
}
