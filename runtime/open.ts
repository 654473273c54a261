/**
 * Opening a runtime as the settings say: what to serve, with which engine, and in development building and watching.
 *
 * @module
 */
import { join } from "node:path";
import { Admission } from "./admission.ts";
import { distLayout } from "./build/layout.ts";
import { ConnectionGate } from "./capabilities/http/mod.ts";
import { withFallback } from "./engine/fallback.ts";
import { createJcoEngine } from "./engine/jco/mod.ts";
import type { Engine } from "./engine/mod.ts";
import { createNativeEngine } from "./engine/native/mod.ts";
import { SkerryError } from "./errors.ts";
import type { FunctionEvent, FunctionFolder } from "./functions.ts";
import { MAX_MEMORIES } from "./limits.ts";
import { jsonSink, type LogSink, prettySink, silentSink } from "./log.ts";
import { memoryBudget, MemoryGate } from "./memory.ts";
import { FunctionRuntime, type RuntimeOptions } from "./runtime.ts";
import type { EngineChoice, Settings } from "./settings.ts";
import { warmUp } from "./warm/mod.ts";

/** Where `deno task build` puts what `deno task start` serves. */
export const DIST_FOLDER = "dist";

/** Where a developer's server keeps what it would have to rewrite when it starts again. */
const NATIVE_CACHE = join(".skerry", "native");

/** Frames of a stack trace: enough to get through a language's runtime to the code of a function's author. */
const STACK_FRAMES = 50;

/** What a program adds to its settings. */
export interface OpenOptions extends Pick<RuntimeOptions, "capabilities" | "sink"> {
  /** Default: the one that Skerry serves with. */
  readonly engine?: Engine;
}

/**
 * Opens the runtime of a server. In production it resolves when every function has loaded or failed, so that what is
 * broken is known before the first request; in development at once, and a request waits for its function to be built.
 *
 * @throws {SkerryError} `runtime-unsupported`, or `manifest-invalid` when there is no folder of functions.
 */
export async function openRuntime(settings: Settings, options: OpenOptions = {}): Promise<FunctionRuntime> {
  requireJspi();
  // V8 keeps ten frames, and of a Rust panic's the first ten are all the standard library's.
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, STACK_FRAMES);
  const dev = settings.mode === "dev";
  const { directory, prepared } = await whatToServe(settings);
  const sink = options.sink ?? (settings.log === "json" ? jsonSink : prettySink);
  const engine = options.engine ??
    defaultEngine({ engine: settings.engine, keep: dev, meter: settings.meter, prepared, sink });
  const runtime = new FunctionRuntime({
    ...options,
    admission: new Admission({ isolates: settings.maxIsolates, memory: await openMemory(settings) }),
    connections: new ConnectionGate({ most: settings.maxOutgoingConnections }),
    ceilings: settings.ceilings,
    grantCeilings: settings.grantCeilings,
    metrics: settings.metrics,
    directory,
    engine,
    dev,
    sink,
    // What is loaded at once is loaded below: manifests first, so that no route is missing meanwhile.
    lazy: true,
    report: (event) => logEvent(event, sink),
    ...(dev ? { build } : {}),
  });
  await runtime.scan();
  await runtime.startTriggers();
  if (dev) watch(runtime, directory);
  if (settings.warm && settings.engine === "native") {
    // Without what is kept of earlier starts: rewriting is what it is to have done.
    await warmUp(options.engine ?? createNativeEngine({ meter: settings.meter })).catch((error) => {
      sink({ time: Date.now(), level: "warn", message: `warming up: ${error.message}`, source: "host" });
    });
  }
  const loading = settings.lazy ? Promise.resolve() : loadAll(runtime);
  if (!dev) await loading;
  return runtime;
}

/**
 * Says in one sentence what the JavaScript runtime lacks, before anything fails for it in many.
 *
 * @throws {SkerryError} `runtime-unsupported`.
 */
export function requireJspi(): void {
  if ("Suspending" in WebAssembly && "promising" in WebAssembly) return;
  throw new SkerryError(
    "runtime-unsupported",
    "starting Skerry: this JavaScript runtime has no WebAssembly JavaScript Promise Integration (JSPI), with which a " +
      "guest waits for the host. Use Deno 2.5 or newer.",
  );
}

/** As many memories as the operator wants isolates, though V8 will be slow past {@linkcode MAX_MEMORIES}. */
async function openMemory({ memoryMb, maxIsolates }: Settings): Promise<MemoryGate> {
  const bytes = memoryMb === null ? await memoryBudget() : memoryMb * 1024 * 1024;
  return new MemoryGate({ bytes, memories: Math.max(MAX_MEMORIES, maxIsolates) });
}

/** What to serve: a prepared folder if there is one, in production. */
async function whatToServe({ mode, functions }: Settings): Promise<{ directory: string; prepared: string | null }> {
  if (functions !== null) return { directory: functions, prepared: null };
  const directory = distLayout(DIST_FOLDER).components;
  if (mode === "production" && await isDirectory(directory)) return { directory, prepared: DIST_FOLDER };
  return { directory: "components", prepared: null };
}

/** How {@linkcode defaultEngine} is made. */
export interface EngineOptions {
  readonly engine?: EngineChoice;
  /** Default: true. */
  readonly meter?: boolean;
  /** A folder that `deno task build` has prepared; `null` to transpile for jco when a component needs it. */
  readonly prepared?: string | null;
  /** Keep what the native engine rewrites, without a prepared folder. Default: false. */
  readonly keep?: boolean;
  readonly sink?: LogSink;
}

/** The engine that Skerry serves with: its own, and jco for what that does not support yet. */
export function defaultEngine(options: EngineOptions = {}): Engine {
  const { engine = "native", keep = false, meter = true, prepared = null, sink = silentSink } = options;
  const jco = prepared === null
    ? createJcoEngine({ meter })
    : createJcoEngine({ meter, cacheDir: distLayout(prepared).jco, readOnly: true });
  if (engine === "jco") return jco;
  const cache = prepared !== null
    ? { cacheDir: distLayout(prepared).native, readOnly: true }
    : keep
    ? { cacheDir: NATIVE_CACHE }
    : {};
  return withFallback(createNativeEngine({ meter, ...cache }), jco, (name, { message }) => {
    sink({ time: Date.now(), level: "warn", message: `runs on jco: ${message}`, source: "host", function: name });
  });
}

/** Loads what has not been loaded yet. Failures are told to the operator where they happen. */
export async function loadAll(runtime: FunctionRuntime): Promise<void> {
  await Promise.allSettled(runtime.functions.map((entry) => entry.served === null ? entry.ready() : undefined));
}

/** Files beyond its own folder that went into a function. */
const inputsOf = new Map<string, readonly string[]>();

/** Imported when it is used: a server in production has no need of compilers. */
async function build({ manifest, directory }: FunctionFolder): Promise<string> {
  const { name, source } = manifest;
  if (source.kind !== "script") return join(directory, source.path);
  const { buildFunction } = await import("./build/mod.ts");
  const built = await buildFunction({
    name,
    dir: directory,
    source: source.path,
    backend: source.backend,
    wit: source.wit,
    world: source.world,
    onProgress({ step, source, ms }) {
      if (step === "queued") console.log(`queued ${source}`);
      if (step === "building") console.log(`building ${source} …`);
      if (step === "built") console.log(`built ${source} in ${(ms / 1000).toFixed(1)} s`);
    },
  });
  inputsOf.set(directory, built.inputs);
  return built.wasm;
}

/** Serves what changed as soon as it is built. */
async function watch(runtime: FunctionRuntime, directory: string): Promise<void> {
  const { watchFunctions } = await import("./build/mod.ts");
  const root = await Deno.realPath(directory);
  const usedBy = (path: string) =>
    [...inputsOf].filter(([, inputs]) => inputs.includes(path))
      .map(([folder]) => folder.slice(root.length + 1).split(/[\\/]/)[0]!);
  try {
    await watchFunctions(directory, async ({ folder }) => {
      await runtime.refresh(folder);
      await loadAll(runtime);
    }, { usedBy });
  } catch (error) {
    console.error(`watching ${directory}: ${error instanceof Error ? error.message : error}; restart to see changes`);
  }
}

function logEvent({ kind, name, file, problem, ms }: FunctionEvent, sink: LogSink): void {
  const took = `${Math.round(ms)} ms`;
  const messages = {
    ready: `ready after ${took}`,
    replaced: `replaced after ${took}`,
    kept: `the last good version goes on serving\n${problem?.message}`,
    broken: `broken\n${problem?.message}`,
    removed: `removed: ${file} is gone`,
  };
  const level = kind === "broken" || kind === "kept" ? "error" : "info";
  const fields = problem === null ? {} : { fields: { code: problem.code, file } };
  sink({ time: Date.now(), level, message: messages[kind], source: "host", function: name, ...fields });
}

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}
