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
  /** Load before the first measurement of a scenario, so that its code is compiled. */
  readonly warmMs: number;
  /** After so many milliseconds no measurement is begun, so that the run ends in time with what it has. */
  readonly budgetMs?: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  /** Told before each measurement. */
  readonly onProgress?: (progress: { readonly name: string; readonly c: number; readonly round: number }) => void;
}

/** A scenario at one concurrency. */
class Slot {
  readonly samples: (Sample | undefined)[] = [];
  error: string | undefined;
  #station: Station | undefined;
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

  async measure(bench: Bench, round: number, { roundMs, warmMs }: RunOptions, now: () => number): Promise<void> {
    try {
      if (this.#station === undefined) {
        this.#station = await this.scenario.open(bench, this.c);
        if (this.scenario.warm !== false) await this.#station.measure(warmMs);
      }
      const began = now();
      this.samples[round] = await this.#station.measure(roundMs);
      this.#tookMs = now() - began;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    if (this.error !== undefined || round === this.rounds - 1) await this.stop();
  }

  async stop(): Promise<void> {
    const station = this.#station;
    this.#station = undefined;
    await station?.stop();
  }

  row(baseline: Slot | undefined): Row {
    const { scenario: { name }, c, error } = this;
    if (error !== undefined) return failedRow(name, c, error);
    const rounds = [...this.samples.keys()].filter((round) => this.samples[round] !== undefined);
    if (rounds.length === 0) return failedRow(name, c, "the time was up before its turn");
    return summarize({
      name,
      c,
      samples: rounds.map((round) => this.samples[round]!),
      ...(baseline === undefined ? {} : { baseline: rounds.map((round) => baseline.samples[round]) }),
    });
  }
}

/** Measures, and makes a row of each scenario and concurrency. One that fails does not stop the others. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  bench: Bench,
  options: RunOptions,
): Promise<Row[]> {
  const { budgetMs = Infinity, now = () => performance.now(), onProgress } = options;
  const began = now();
  const slots = scenarios.flatMap((scenario) => {
    const most = Math.min(scenario.rounds ?? Infinity, scenario.baseline === "plain" ? Infinity : options.otherRounds);
    return scenario.concurrency.map((c) => new Slot(scenario, c, Math.min(options.rounds, most)));
  });
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const slot of slots) {
        if (slot.error !== undefined || round >= slot.rounds) continue;
        if (now() - began + slot.tookMs > budgetMs) continue;
        onProgress?.({ name: slot.scenario.name, c: slot.c, round });
        await slot.measure(bench, round, options, now);
      }
    }
  } finally {
    for (const slot of slots) await slot.stop();
  }
  const byKey = new Map(slots.map((slot) => [slot.key, slot]));
  return slots.map((slot) => slot.row(byKey.get(`${slot.scenario.baseline} ${slot.c}`)));
}
