/**
 * Calls a function at the times of a schedule.
 *
 * @module
 */
import { toSkerryError } from "../errors.ts";
import type { ServedFunction } from "../handler.ts";
import type { LogLevel } from "../log.ts";
import type { ScheduleTrigger } from "../manifest.ts";
import { type CallerOptions, callExport, post } from "./calls.ts";
import { type Cron, parseCron } from "./cron.ts";
import type { ScheduleKey, ScheduleStore } from "./schedule_store.ts";

/** How late a run may begin and still count as that of its minute: after a restart, or behind a guest that computes. */
const LATE_MS = 60_000;

/** What a run may take beyond its function's wall time: its place among the isolates, and what is slow with the machine. */
const GRACE_MS = 30_000;

/** How long to wait before a run that could not begin is tried again. */
const AGAIN_MS = 2000;

const nothing = () => Promise.resolve();

/** `Deno.cron`, where there is one. */
export type PlatformCron = (
  name: string,
  expression: string,
  options: { readonly signal: AbortSignal },
  handler: () => Promise<void>,
) => Promise<void>;

/** What a schedule is made of. */
export interface ScheduleOptions extends CallerOptions {
  readonly store: ScheduleStore;
  readonly schedule: ScheduleTrigger;
  /** What wakes a machine that sleeps between requests, as on Deno Deploy; `undefined` to wait ourselves. */
  readonly platform: PlatformCron | undefined;
}

/** Runs one schedule of one function until it is stopped. */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #key: ScheduleKey;
  readonly #cron: Cron;
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #loop: Promise<void>;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#cron = parseCron(options.schedule.cron);
    this.#key = { function: options.function, name: options.schedule.name };
    this.#loop = this.#run();
  }

  /** Begins no more runs. Resolves when those that go on have ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    // At once: Deno Deploy takes the schedules that are there when the module has loaded, and no later ones.
    const isRegistered = this.#register();
    let seen = await this.#catchUp();
    if (isRegistered) return;
    while (!signal.aborted) {
      await clock.sleep(this.#cron.next(seen) - clock.now(), signal);
      if (signal.aborted) return;
      const now = clock.now();
      // A long sleep is made of several, and a clock may be set back.
      if (now < this.#cron.next(seen)) continue;
      const { at, passed } = this.#latest(seen, now);
      seen = at;
      if (passed > 1) this.#log("warn", `${passed - 1} runs were missed while this machine stood still`);
      if (now - at < LATE_MS || this.#options.schedule.catchUp) await this.#begin(at);
      else this.#log("warn", `the run of ${minute(at)} was missed while this machine stood still`);
    }
  }

  /** The last time in (`from`, `to`], and how many there are, of which there is at least one. */
  #latest(from: number, to: number): { at: number; passed: number } {
    let at = from;
    let passed = 0;
    for (let next = this.#cron.next(from); next <= to; next = this.#cron.next(next)) {
      at = next;
      passed++;
      // Who was away for long need not count for long.
      if (passed === MAX_COUNTED) next = Math.max(next, to - 366 * 86_400_000);
    }
    return { at, passed };
  }

  /** Looks what was missed while no server was there. Resolves to the time from which on to look. */
  async #catchUp(): Promise<number> {
    const { store, schedule, clock } = this.#options;
    const now = clock.now();
    let last: number | undefined;
    try {
      last = await store.last(this.#key);
      if (last === undefined) await store.begin(this.#key, now);
    } catch (error) {
      this.#log("error", `looking for its last run: ${error instanceof Error ? error.message : error}`);
    }
    if (last === undefined) return now;
    if (this.#cron.next(last) > now) return now;
    const { at, passed } = this.#latest(last, now);
    // Whoever starts within the minute of a run has not missed it.
    const inTime = now - at < LATE_MS;
    const missed = inTime ? passed - 1 : passed;
    if (missed > 0) {
      this.#log("warn", `${missed} runs were missed since ${minute(last)}, as no server was there`);
    }
    if (inTime || schedule.catchUp) await this.#begin(at);
    return now;
  }

  /** Leaves waiting to the platform, if it takes it. */
  #register(): boolean {
    const { platform, clock } = this.#options;
    if (platform === undefined) return false;
    const { signal } = this.#stopped;
    try {
      for (const [index, expression] of this.#cron.plain().entries()) {
        platform(platformName(this.#key, index), expression, { signal }, async () => {
          const { at, passed } = this.#latest(clock.now() - LATE_MS, clock.now());
          if (passed === 0 || signal.aborted) return;
          const over = await this.#begin(at);
          await over();
        }).catch((error) => this.#log("error", `Deno.cron: ${error instanceof Error ? error.message : error}`));
      }
      return true;
    } catch (error) {
      this.#log(
        "warn",
        `Deno.cron refused it, so this process waits itself: ${error instanceof Error ? error.message : error}`,
      );
      return false;
    }
  }

  /** Begins the run of the minute `at`, if no other machine has it. Resolves, soon, to a function that waits for its end. */
  async #begin(at: number): Promise<() => Promise<void>> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    for (let complaint = ""; !signal.aborted;) {
      try {
        return await this.#claim(at);
      } catch (error) {
        // The database may be away for a moment, and the function broken until it is built again.
        const { message } = toSkerryError(error, "asking for the run");
        if (message !== complaint) this.#log("error", `the run of ${minute(at)} could not begin yet: ${message}`);
        complaint = message;
        if (clock.now() - at > LATE_MS) break;
        await clock.sleep(AGAIN_MS, signal);
      }
    }
    return nothing;
  }

  async #claim(at: number): Promise<() => Promise<void>> {
    const { store, clock, ready } = this.#options;
    const served = await ready();
    const now = clock.now();
    const { wallMs, queueWaitMs } = served.limits;
    const until = now + wallMs + queueWaitMs + GRACE_MS;
    const claim = await store.claim(this.#key, { at, now, until });
    if (claim === "overlaps") this.#log("warn", `the run of ${minute(at)} is skipped: the one before it still goes on`);
    if (claim !== "ours") return nothing;
    const run = this.#call(served, at).then(() => store.end(this.#key, until)).catch((error) => {
      this.#log("error", `ending the run of ${minute(at)}: ${error instanceof Error ? error.message : error}`);
    }).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return () => run;
  }

  async #call(served: ServedFunction, at: number): Promise<void> {
    const { schedule: { name, call }, call: callFunction } = this.#options;
    const time = new Date(at).toISOString();
    const options = { label: `schedule ${name}`, requestId: `${name}@${minute(at)}` };
    await callFunction(served, options, (isolate) => {
      if ("export" in call) return callExport(isolate, call.export);
      const headers = { "x-skerry-schedule": name, "x-skerry-scheduled-at": time };
      return post(served, isolate, { path: call.path, headers, body: new Uint8Array(0) });
    }).catch(() => {}); // What became of it is in the task's own record.
  }

  #log(level: LogLevel, what: string): void {
    const { schedule, function: name, sink } = this.#options;
    sink({ time: Date.now(), level, message: `schedule ${schedule.name}: ${what}`, source: "host", function: name });
  }
}

const MAX_COUNTED = 10_000;

/** A minute, as a person writes it, and as an id may have it. */
const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`;

/** `Deno.cron` takes letters, digits, spaces, dashes and underscores, at most 64. */
function platformName({ function: owner, name }: ScheduleKey, index: number): string {
  const both = `${owner} ${name}`;
  const plain = both.replace(/[^A-Za-z0-9 _-]/g, "-");
  if (plain === both && both.length <= 60) return index === 0 ? both : `${both} ${index}`;
  let sum = 0;
  for (const character of both) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
  return `${plain.slice(0, 48)} ${sum.toString(36)} ${index}`;
}
