/**
 * What calls functions beside requests: the messages of their queues, and their schedules.
 *
 * @module
 */
import { QueueStore } from "../capabilities/queue/store.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { FunctionEntry } from "../functions.ts";
import type { ServedFunction } from "../handler.ts";
import type { LogSink } from "../log.ts";
import { suggest } from "../manifest/suggest.ts";
import type { CallerOptions } from "./calls.ts";
import { type Clock, systemClock } from "./clock.ts";
import { QueueWorker } from "./queue_worker.ts";
import { type PlatformCron, Schedule } from "./schedule.ts";
import { ScheduleStore } from "./schedule_store.ts";

/** What {@linkcode Triggers} is made of. */
export interface TriggersOptions {
  /** Where queues and schedules keep their state. Asked for when the first function needs it. */
  readonly database: () => Promise<Deno.Kv>;
  readonly call: Dispatcher["call"];
  readonly sink: LogSink;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: `Deno.cron`, if there is one. */
  readonly platform?: PlatformCron | undefined;
}

type Entry = Pick<FunctionEntry<ServedFunction>, "name" | "queues" | "schedule" | "ready">;

/** One that runs, and what it was made from, so that a change is seen. */
interface Running {
  readonly made: string;
  readonly runs: { stop(): Promise<void> };
}

/**
 * Follows the functions of a registry, and runs what calls them. Each call is in a fresh isolate with a task of its own.
 */
export class Triggers {
  readonly #options: TriggersOptions;
  readonly #running = new Map<string, Running>();
  readonly #ending = new Set<Promise<void>>();
  /** Why one could not be started, when it was last tried: the same is not told with each change of a function. */
  readonly #failed = new Map<string, string>();
  #entries: readonly Entry[] = [];
  #changes: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: TriggersOptions) {
    this.#options = options;
  }

  /** Starts what is new, stops what is gone, and starts again what has changed. Resolves when that is done. */
  follow(functions: readonly Entry[]): Promise<void> {
    this.#changes = this.#changes.then(() => this.#follow(functions));
    return this.#changes;
  }

  async #follow(functions: readonly Entry[]): Promise<void> {
    this.#entries = functions;
    const wanted = new Map<string, { readonly made: string; readonly start: (kv: Deno.Kv) => Running["runs"] }>();
    for (const entry of functions) {
      for (const queue of entry.queues) {
        const made = JSON.stringify([entry.name, queue]);
        wanted.set(`queue ${queue.name}`, {
          made,
          start: (kv) => new QueueWorker({ ...this.#common(entry), store: QueueStore.on(kv), queue }),
        });
      }
      for (const schedule of entry.schedule) {
        const made = JSON.stringify(schedule);
        const platform = "platform" in this.#options ? this.#options.platform : platformCron();
        wanted.set(`schedule ${entry.name} ${schedule.name}`, {
          made,
          start: (kv) => new Schedule({ ...this.#common(entry), store: new ScheduleStore(kv), schedule, platform }),
        });
      }
    }
    for (const [key, { made, runs }] of this.#running) {
      if (wanted.get(key)?.made === made && !this.#stopped) continue;
      this.#running.delete(key);
      const ending: Promise<void> = runs.stop().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
    for (const key of this.#failed.keys()) if (!wanted.has(key)) this.#failed.delete(key);
    for (const [key, { made, start }] of wanted) {
      if (this.#stopped || this.#running.has(key)) continue;
      try {
        this.#running.set(key, { made, runs: start(await this.#options.database()) });
        this.#failed.delete(key);
      } catch (error) {
        // The functions that need it say so where they are loaded; what has been granted since is tried with the next change.
        const message = `${key}: ${error instanceof Error ? error.message : error}`;
        if (this.#failed.get(key) === message) continue;
        this.#failed.set(key, message);
        this.#options.sink({ time: Date.now(), level: "error", message, source: "host" });
      }
    }
  }

  #common({ name }: Entry): CallerOptions {
    const { call, sink, clock = systemClock } = this.#options;
    // The folder may be another by then.
    const ready = async () => await this.#entries.find((entry) => entry.name === name)!.ready();
    return { function: name, ready, call, sink, clock };
  }

  /** Stops everything. Resolves when no call is left. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.follow([]);
    await Promise.all(this.#ending);
  }
}

function platformCron(): PlatformCron | undefined {
  return (Deno as { readonly cron?: PlatformCron }).cron;
}

/** What to say of the queues `sends` that no function receives, if there are any. */
export function unknownQueues(
  { name, sends }: { readonly name: string; readonly sends: readonly string[] },
  functions: readonly Pick<Entry, "name" | "queues">[],
): string[] {
  const receivers = new Map(functions.flatMap(({ name, queues }) => queues.map((queue) => [queue.name, name])));
  return sends.filter((queue) => !receivers.has(queue)).map((queue) => {
    const near = suggest(queue, [...receivers.keys()]);
    const instead = near === undefined
      ? `add "queues": [{ "name": ${JSON.stringify(queue)} }] to the one that shall receive it`
      : `write ${JSON.stringify(near)}, which ${receivers.get(near)} receives`;
    return `${name} may send to the queue ${JSON.stringify(queue)}, which no function receives; ${instead}`;
  });
}
