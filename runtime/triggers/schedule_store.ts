/**
 * Who runs a schedule: one machine, whichever comes first.
 *
 * @module
 */

/** What is known of a schedule. */
interface ScheduleState {
  /** The last minute that somebody has taken, in milliseconds since the epoch. */
  readonly at: number;
  /** Until when the last run may go on; 0 when it has ended. */
  readonly until: number;
}

/**
 * What became of asking for a run: it is ours; another has it; or the last one still goes on, and this one is skipped, which
 * is told to one machine only.
 */
export type RunClaim = "ours" | "taken" | "overlaps";

/** The state of schedules in Deno KV: one key each. */
export class ScheduleStore {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** The last minute that was taken, or when the schedule began; `undefined` if nobody has seen it yet. */
  async last(key: ScheduleKey): Promise<number | undefined> {
    return (await this.#kv.get<ScheduleState>(keyOf(key))).value?.at;
  }

  /** Notes that the schedule begins at `now`, so that a run after it can be missed. */
  async begin(key: ScheduleKey, now: number): Promise<void> {
    const state: ScheduleState = { at: now, until: 0 };
    await this.#kv.atomic().check({ key: keyOf(key), versionstamp: null }).set(keyOf(key), state).commit();
  }

  /** Asks for the run of the minute `at`, which may go on until `until`. */
  async claim(key: ScheduleKey, { at, now, until }: { at: number; now: number; until: number }): Promise<RunClaim> {
    while (true) {
      const entry = await this.#kv.get<ScheduleState>(keyOf(key));
      const state = entry.value;
      if (state !== null && state.at >= at) return "taken";
      const overlaps = state !== null && state.until > now;
      const next: ScheduleState = { at, until: overlaps ? state.until : until };
      // Who fails has lost to another one, and finds so at the next look.
      const { ok } = await this.#kv.atomic().check(entry).set(entry.key, next).commit();
      if (ok) return overlaps ? "overlaps" : "ours";
    }
  }

  /** The run that could go on until `until` has ended. */
  async end(key: ScheduleKey, until: number): Promise<void> {
    while (true) {
      const entry = await this.#kv.get<ScheduleState>(keyOf(key));
      if (entry.value?.until !== until) return;
      const { ok } = await this.#kv.atomic().check(entry).set(entry.key, { ...entry.value, until: 0 }).commit();
      if (ok) return;
    }
  }
}

/** Which schedule of which function. */
export interface ScheduleKey {
  readonly function: string;
  readonly name: string;
}

const keyOf = ({ function: owner, name }: ScheduleKey): Deno.KvKey => ["skerry", "schedule", owner, name];
