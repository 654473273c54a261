/**
 * Functions that are called for messages and by schedules, over a database in memory and a clock that a test moves.
 *
 * @module
 */
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { queueOn } from "../../runtime/capabilities/queue/mod.ts";
import { QueueStore } from "../../runtime/capabilities/queue/store.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import type { LogRecord } from "../../runtime/log.ts";
import { FunctionRuntime } from "../../runtime/mod.ts";
import type { Clock } from "../../runtime/triggers/clock.ts";
import type { PlatformCron } from "../../runtime/triggers/schedule.ts";
import { type Fixture, fixturePath } from "../fixtures/mod.ts";

/** A function: its fixture, and what stands in its manifest beside name and source. */
export type Guest = { readonly fixture: Fixture } & Readonly<Record<string, unknown>>;

export interface TriggerServer extends AsyncDisposable {
  readonly runtime: FunctionRuntime;
  readonly store: QueueStore;
  readonly kv: Deno.Kv;
  readonly records: LogRecord[];
  /** The text of the answer to a GET. */
  ask(path: string, init?: RequestInit): Promise<string>;
  /** What was logged under `context`, by guests. */
  logged(context: string): string[];
  /** Resolves as soon as `found` finds something in the records. */
  until<T>(found: (records: readonly LogRecord[]) => T | undefined | false): Promise<T>;
  /** Writes a manifest anew, and serves it. */
  change(name: string, guest: Guest): Promise<void>;
}

export interface TriggerOptions {
  readonly engine: Engine;
  readonly guests: Readonly<Record<string, Guest>>;
  /** Default: a new one in memory, which is closed with the server. */
  readonly kv?: Deno.Kv;
  readonly clock?: Clock;
  readonly platform?: PlatformCron;
}

/** Serves `guests`. Dispose of it with `await using`. */
export async function serveTriggers(options: TriggerOptions): Promise<TriggerServer> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-test-" });
  const kv = options.kv ?? await testDatabase();
  const write = async (name: string, { fixture, ...rest }: Guest) => {
    const folder = join(directory, name);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.copyFile(await fixturePath(fixture), join(folder, "guest.wasm"));
    // A busy machine is slow, and so it is for all.
    const manifest = { name, source: "guest.wasm", limits: { wallMs: 300_000, cpuMs: 300_000 }, ...rest };
    await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
  };
  for (const [name, guest] of Object.entries(options.guests)) await write(name, guest);
  const records: LogRecord[] = [];
  const looks = new Set<() => void>();
  const runtime = new FunctionRuntime({
    directory,
    engine: options.engine,
    capabilities: [queueOn(() => QueueStore.on(kv))],
    database: () => Promise.resolve(kv),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    platformCron: options.platform,
    sink: (record) => {
      records.push(record);
      for (const look of looks) look();
    },
  });
  await runtime.scan();
  await runtime.startTriggers();
  const app = createRoutes(runtime);
  return {
    runtime,
    kv,
    store: QueueStore.on(kv),
    records,
    ask: async (path, init) => await (await app.request(`http://localhost${path}`, init)).text(),
    logged: (context) => records.filter(({ source }) => source === `log:${context}`).map(({ message }) => message),
    until: (found) =>
      new Promise((resolve) => {
        const look = () => {
          const result = found(records);
          if (result === undefined || result === false) return;
          looks.delete(look);
          resolve(result);
        };
        looks.add(look);
        look();
      }),
    async change(name, guest) {
      await write(name, guest);
      await runtime.refresh(name);
    },
    async [Symbol.asyncDispose]() {
      await runtime.stop(0);
      if (options.kv === undefined) kv.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** An empty database: in memory, or on the `denokv` server that `TEST_KV_URL` names. */
export async function testDatabase(): Promise<Deno.Kv> {
  const kv = await Deno.openKv(Deno.env.get("TEST_KV_URL") ?? ":memory:");
  for await (const { key } of kv.list({ prefix: ["skerry"] })) await kv.delete(key);
  return kv;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(now: string) {
    this.#now = Date.parse(now);
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = {
        at: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      if (ms <= 0 || signal.aborted) return resolve();
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  /** Resolves when `count` wait for it to move. */
  async asleep(count: number): Promise<void> {
    while (this.#sleepers.size < count) await new Promise((done) => setTimeout(done, 1));
  }

  /** Moves to `time`, and wakes who has waited for that. */
  set(time: string): void {
    this.#now = Date.parse(time);
    for (const sleeper of this.#sleepers) if (sleeper.at <= this.#now) sleeper.wake();
  }
}
