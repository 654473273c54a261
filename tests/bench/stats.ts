/**
 * The arithmetic of a benchmark: samples of one round to rows of a run.
 *
 * @module
 */

/** What one scenario did in one round. */
export interface Sample {
  /** Operations per second; `null` where one operation is all there is. */
  readonly perSecond: number | null;
  /** How many there were, and how long all took. */
  readonly operations: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the server for one operation, in microseconds: hardly moved by other work on the machine. */
  readonly cpuUs: number | null;
  /** Resident memory of the server when the round was over. */
  readonly rssMb: number;
  /** How busy the server was, and the load generator: 1 is one core. */
  readonly serverCores: number | null;
  readonly loadCores: number | null;
}

/** One line of the results. Every scenario's, whatever it measures, so that one table and one comparison do for all. */
export interface Row {
  readonly name: string;
  /** Connections, each with one request at a time. */
  readonly c: number;
  readonly rps: number | null;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly rss_mb: number | null;
  /** The median over the rounds of `rps` by the baseline's in the same round. */
  readonly ratio_to_plain: number | null;
  readonly cpu_us: number | null;
  readonly server_cores: number | null;
  readonly load_cores: number | null;
  readonly rounds: number;
  /** Why there are no figures. */
  readonly error?: string;
}

/**
 * The middle value, or the mean of the two in the middle; `null` of nothing.
 *
 * @example
 * ```ts
 * import { median } from "./stats.ts";
 *
 * console.assert(median([9, 1, 5]) === 5 && median([1, 2]) === 1.5 && median([]) === null);
 * ```
 */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The smallest value that `share` of all do not exceed (nearest rank). Throws a `RangeError` when there is none.
 *
 * @param sorted Ascending.
 * @param share Above 0, at most 1.
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("taking a percentile: there are no values");
  return value;
}

/** What {@linkcode summarize} makes a row of: a sample for each round, and the baseline's of the same rounds. */
export interface Rounds {
  readonly name: string;
  readonly c: number;
  readonly samples: readonly Sample[];
  /** `undefined` in a round that the baseline missed; left out where there is no baseline. */
  readonly baseline?: readonly (Sample | undefined)[];
}

/** The medians of the rounds; of memory the most, for that is what a machine must have. */
export function summarize({ name, c, samples, baseline }: Rounds): Row {
  const middle = (of: (sample: Sample) => number | null) =>
    median(samples.map(of).filter((value): value is number => value !== null));
  const ratios = samples.flatMap((sample, round) => {
    const plain = baseline?.[round]?.perSecond;
    return sample.perSecond === null || !plain ? [] : [sample.perSecond / plain];
  });
  return {
    name,
    c,
    rps: round(middle((s) => s.perSecond)),
    p50_ms: round(middle((s) => s.p50Ms)),
    p99_ms: round(middle((s) => s.p99Ms)),
    rss_mb: samples.length === 0 ? null : round(Math.max(...samples.map((s) => s.rssMb))),
    ratio_to_plain: round(median(ratios)),
    cpu_us: round(middle((s) => s.cpuUs)),
    server_cores: round(middle((s) => s.serverCores)),
    load_cores: round(middle((s) => s.loadCores)),
    rounds: samples.length,
  };
}

/** A row for a scenario that failed. */
export function failedRow(name: string, c: number, error: string): Row {
  return { ...summarize({ name, c, samples: [] }), error };
}

/** Four significant digits: the rest is noise, and would make every run a long diff. */
export function round(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4));
}

/** Whether the load generator, and not the server, set the pace: it had no time left while the server had. */
export function boundByLoad(row: Row): boolean {
  return row.load_cores !== null && row.server_cores !== null && row.load_cores > 0.9 && row.server_cores < 0.9;
}
