/**
 * The kinds of things that are measured, and how each is made ready and measured.
 *
 * @module
 */
import type { WorkReport } from "./again.ts";
import { Child, type ChildOptions } from "./child.ts";
import { type BenchComponent, C_CAPS, C_HTTP, SLEEPER, SMALL } from "./components.ts";
import type { EngineName } from "./engines.ts";
import type { EchoJob, LoadReport, RequestsJob } from "./load.ts";
import type { Ready, ServerSpec } from "./serve.ts";
import type { Sample } from "./stats.ts";
import type { Usage } from "./usage.ts";

/** What a scenario is measured with. */
export interface Bench {
  /** The load generator. */
  readonly load: Child;
  /** Where engines keep what they prepare. */
  readonly cacheDir: string;
}

/** A scenario that has been made ready. */
export interface Station {
  /** Runs it for about `ms` milliseconds, or once where once is all. */
  measure(ms: number): Promise<Sample>;
  stop(): Promise<void>;
}

/** One thing to measure. */
export interface Scenario {
  readonly name: string;
  /** Numbers of connections, a row for each. */
  readonly concurrency: readonly number[];
  /** The name of the scenario that its ratio is to. */
  readonly baseline?: string;
  /** In how many rounds it takes part: some are slow, and vary little. Default: all. */
  readonly rounds?: number;
  /** Whether it is run for a while before it is measured. Default: true. */
  readonly warm?: boolean;
  /** Whether `--quick` leaves it out. */
  readonly slow?: boolean;
  open(bench: Bench, c: number, options?: ChildOptions): Promise<Station>;
}

const PLAIN_BODY = "hello from a plain handler\n";
const ECHO_BYTES = 100 * 1024 * 1024;

/** Starts a server of its own process. */
export async function openServer(spec: ServerSpec, options?: ChildOptions): Promise<{ child: Child; port: number }> {
  const child = new Child("serve.ts", spec, options);
  try {
    const ready = await child.hear<Ready>();
    if ("error" in ready) throw new Error(ready.error);
    return { child, port: ready.port };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** A server under load. */
export async function loaded(
  bench: Bench,
  spec: ServerSpec,
  job: (port: number, ms: number) => RequestsJob | EchoJob,
  options?: ChildOptions,
): Promise<Station> {
  const { child, port } = await openServer(spec, options);
  return {
    async measure(ms) {
      const from = await child.ask<Usage>({});
      const report = await bench.load.ask<LoadReport>(job(port, ms));
      return sampleOf(report, from, await child.ask<Usage>({}));
    },
    stop: () => child.stop(),
  };
}

/** What a load has found, and what its server has used meanwhile. */
export function sampleOf(report: LoadReport, from: Usage, to: Usage): Sample {
  return {
    perSecond: report.requests / report.elapsedMs * 1000,
    operations: report.requests,
    elapsedMs: report.elapsedMs,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    cpuUs: (to.cpuUs - from.cpuUs) / report.requests,
    rssMb: to.rssMb,
    // Over the load's own time: what it prepares and checks is not part of it.
    serverCores: (to.cpuUs - from.cpuUs) / 1000 / report.elapsedMs,
    loadCores: report.cores,
  };
}

/** One request again and again, and what each answer must be. */
export const get =
  (c: number, path: string, body: string, status = 200) => (port: number, ms: number): RequestsJob => ({
    kind: "requests",
    port,
    path,
    c,
    ms,
    expect: { status, body },
  });

/** A Hono handler that answers a text. */
export const plain: Scenario = {
  name: "plain",
  concurrency: [1, 16],
  baseline: "plain",
  open: (bench, c, options) =>
    loaded(bench, { kind: "plain", path: "/", body: PLAIN_BODY }, get(c, "/", PLAIN_BODY), options),
};

/** 100 MiB to `Deno.serve` and back. */
export const plainEcho: Scenario = {
  name: "echo/plain",
  concurrency: [1],
  baseline: "echo/plain",
  rounds: 3,
  warm: false,
  open: (bench, _c, options) =>
    loaded(bench, { kind: "echo" }, (port) => ({ kind: "echo", port, path: "/", bytes: ECHO_BYTES }), options),
};

/** A server of one component. */
export async function served({ cacheDir }: Bench, engine: EngineName, component: BenchComponent): Promise<ServerSpec> {
  return { kind: "component", engine, component: await component.wasm(), cacheDir };
}

/** Whole requests over HTTP, each in a fresh isolate. */
export function requests(engine: EngineName, component: BenchComponent): Scenario {
  return {
    name: `${engine}/${component.name}`,
    concurrency: [1, 16],
    baseline: "plain",
    async open(bench, c, options) {
      const spec = await served(bench, engine, component);
      return await loaded(bench, spec, get(c, component.path, component.body), options);
    },
  };
}

/** A thousand requests that all sleep for a second, once: the time that is beyond a second is what they cost. */
export function sleep(engine: EngineName): Scenario {
  return {
    name: `sleep/${engine}`,
    concurrency: [1000],
    rounds: 3,
    async open(bench, c, options) {
      const spec = await served(bench, engine, SLEEPER);
      const once = get(c, SLEEPER.path, SLEEPER.body);
      return await loaded(bench, spec, (port) => once(port, 0), options);
    },
  };
}

/** 100 MiB to the component and back. */
export function echo(engine: EngineName): Scenario {
  return {
    name: `echo/${engine}`,
    concurrency: [1],
    baseline: "echo/plain",
    rounds: 3,
    warm: false,
    async open(bench, _c, options) {
      const spec = await served(bench, engine, C_HTTP);
      return await loaded(bench, spec, (port) => ({ kind: "echo", port, path: "/echo", bytes: ECHO_BYTES }), options);
    },
  };
}

/** One isolate after another, made and ended, without HTTP. */
export function isolates(engine: EngineName, component: BenchComponent): Scenario {
  return {
    name: `isolate/${engine}/${component.name}`,
    concurrency: [1],
    open: async (bench, _c, options) =>
      await alone(
        { kind: "isolates", engine, component: await component.wasm(), cacheDir: bench.cacheDir },
        options,
      ),
  };
}

/** One key got again and again: by host code straight from Deno KV, or by a guest, a thousand times in one isolate. */
export function kvGets(engine: EngineName | null): Scenario {
  return {
    name: `kv.get/${engine ?? "plain"}`,
    concurrency: [1],
    baseline: "kv.get/plain",
    open: async (bench, _c, options) =>
      await alone({ kind: "kv", engine, component: await C_CAPS.wasm(), cacheDir: bench.cacheDir }, options),
  };
}

/** A process that measures itself, without HTTP. */
export async function alone(spec: ServerSpec, options: ChildOptions | undefined): Promise<Station> {
  const { child } = await openServer(spec, options);
  return {
    async measure(ms) {
      const from = await child.ask<Usage>({});
      const report = await child.ask<WorkReport>({ isolates: ms });
      const to = await child.ask<Usage>({});
      const { count, elapsedMs, p50Ms, p99Ms } = report;
      return { ...sampleOf({ requests: count, elapsedMs, p50Ms, p99Ms, cores: 0 }, from, to), loadCores: null };
    },
    stop: () => child.stop(),
  };
}

/** How long a server has listened when its first request comes. */
const SETTLE_MS = 300;

/**
 * From `.wasm` on disk to the first response, in a new process each time: it has imported all its code, has warmed itself
 * up with a component of its own, and listens when the request comes, but has not looked at the component.
 *
 * @param prepared Whether the engine finds what it prepared before, or has to begin with the bare component.
 * @param warm Whether it has warmed itself up.
 */
export function first(engine: EngineName, component: BenchComponent, prepared: boolean, warm = true): Scenario {
  return {
    name: `first/${engine}/${component.name}${prepared ? "" : " unprepared"}${warm ? "" : " cold"}`,
    concurrency: [1],
    // One process says little of the next; a large component takes seconds, and what is around that matters less.
    rounds: prepared || component.name === SMALL.name ? 5 : 2,
    // Its engine's folder is filled by the first round, if nothing has filled it before.
    warm: prepared,
    async open(bench, _c, options) {
      const wasm = await component.wasm();
      return {
        async measure() {
          const cacheDir = prepared ? bench.cacheDir : await Deno.makeTempDir({ prefix: "skerry-bench-" });
          const spec: ServerSpec = { kind: "component", lazy: true, warm, engine, component: wasm, cacheDir };
          try {
            const station = await loaded(bench, spec, get(1, component.path, component.body), options);
            try {
              // What V8 still compiles behind the warming up is over before anybody asks a server for something.
              await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
              return { ...await station.measure(0), perSecond: null, loadCores: null, serverCores: null };
            } finally {
              await station.stop();
            }
          } finally {
            if (!prepared) await Deno.remove(cacheDir, { recursive: true });
          }
        },
        stop: () => Promise.resolve(),
      };
    },
  };
}
