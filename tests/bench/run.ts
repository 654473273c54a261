/**
 * Runs scenarios in interleaved rounds: A B C, A B C, …, so that whatever else the machine does hits all alike.
 *
 * @module
 */
import type { Bench, Scenario, Station } from "./scenario.ts";
import { failedRow, type Row, type Sample, summarize } from "./stats.ts";

/** How long and how often. */
export interface RunOptions {
  readonly rounds: number;
  /** At most so many for a scenario that is not compared with a plain handler. */
  readonly otherRounds: number;
  /** One measurement. */
  readonly roundMs: number;
  /** Load before each measurement of a scenario, so that its code is compiled. */
  readonly warmMs: number;
  /**
   * After so many milliseconds no measurement is begun, and one that runs is given up, so that the run ends in time with
   * what it has.
   */
  readonly budgetMs?: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  /** Told before each measurement. */
  readonly onProgress?: (progress: { readonly name: string; readonly c: number; readonly round: number }) => void;
}

/** What came of a run. */
export interface RunResult {
  readonly rows: readonly Row[];
  /** What there was no time for. */
  readonly missed: readonly string[];
}

/** A scenario at one concurrency. */
class Slot {
  readonly samples: (Sample | undefined)[] = [];
  error: string | undefined;
  #station: Station | undefined;
  #stop: (() => Promise<void>) | undefined;
  #tookMs = 0;

  readonly scenario: Scenario;
  readonly c: number;
  readonly rounds: number;

  constructor(scenario: Scenario, c: number, rounds: number) {
    this.scenario = scenario;
    this.c = c;
    this.rounds = rounds;
  }

  get key(): string {
    return `${this.scenario.name} ${this.c}`;
  }

  /** How long the last measurement took, as a guess at the next. */
  get tookMs(): number {
    return this.#tookMs;
  }

  async measure(bench: Bench, round: number, { roundMs, warmMs }: RunOptions, clock: Clock): Promise<void> {
    try {
      if (this.#station === undefined) {
        const opening = this.scenario.open(bench, this.c);
        this.#stop = () => opening.then((station) => station.stop(), () => {});
        this.#station = await clock.inTime(opening);
      }
      // In each round, for in the minutes between two a process loses what it had ready: rewriting took twice as long.
      if (this.scenario.warm !== false) await clock.inTime(this.#station.measure(warmMs));
      const began = clock.now();
      this.samples[round] = await clock.inTime(this.#station.measure(roundMs));
      this.#tookMs = clock.now() - began;
    } catch (error) {
      if (error !== TIME_IS_UP) this.error = error instanceof Error ? error.message : String(error);
    }
    if (this.error !== undefined || round === this.rounds - 1) await this.stop();
  }

  async stop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }

  /** `undefined` if there was no time for it. */
  row(baseline: Slot | undefined): Row | undefined {
    const { scenario: { name }, c, error } = this;
    if (error !== undefined) return failedRow(name, c, error);
    const rounds = [...this.samples.keys()].filter((round) => this.samples[round] !== undefined);
    if (rounds.length === 0) return undefined;
    return summarize({
      name,
      c,
      samples: rounds.map((round) => this.samples[round]!),
      ...(baseline === undefined ? {} : { baseline: rounds.map((round) => baseline.samples[round]) }),
    });
  }
}

const TIME_IS_UP = Symbol("time is up");

/** The time that a run has. */
class Clock {
  readonly now: () => number;
  readonly #until: number;

  constructor({ budgetMs = Infinity, now = () => performance.now() }: RunOptions) {
    this.now = now;
    this.#until = now() + budgetMs;
  }

  get leftMs(): number {
    return this.#until - this.now();
  }

  /** What `work` comes to; throws `TIME_IS_UP` when that is first. */
  async inTime<T>(work: Promise<T>): Promise<T> {
    const left = this.leftMs;
    if (left === Infinity) return await work;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(TIME_IS_UP), Math.max(0, left));
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Measures, and makes a row of each scenario and concurrency. One that fails does not stop the others. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  bench: Bench,
  options: RunOptions,
): Promise<RunResult> {
  const clock = new Clock(options);
  const slots = scenarios.flatMap((scenario) => {
    const most = Math.min(scenario.rounds ?? Infinity, scenario.baseline === "plain" ? Infinity : options.otherRounds);
    return scenario.concurrency.map((c) => new Slot(scenario, c, Math.min(options.rounds, most)));
  });
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const slot of slots) {
        if (slot.error !== undefined || round >= slot.rounds || slot.tookMs >= clock.leftMs) continue;
        options.onProgress?.({ name: slot.scenario.name, c: slot.c, round });
        await slot.measure(bench, round, options, clock);
      }
    }
  } finally {
    await Promise.all(slots.map((slot) => slot.stop()));
  }
  const byKey = new Map(slots.map((slot) => [slot.key, slot]));
  const results = slots.map((slot) => slot.row(byKey.get(`${slot.scenario.baseline} ${slot.c}`)));
  return {
    rows: results.filter((row) => row !== undefined),
    missed: slots.filter((_, i) => results[i] === undefined).map(({ scenario, c }) => `${scenario.name} c=${c}`),
  };
}
