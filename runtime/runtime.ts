/**
 * The runtime of a process: a folder of functions, an engine, a host, and the tasks that run.
 *
 * @module
 */
import { join } from "node:path";
import type { Admission } from "./admission.ts";
import { type ConnectionGate, processConnections } from "./capabilities/http/mod.ts";
import { builtinsWith } from "./capabilities/mod.ts";
import type { Capability } from "./capability.ts";
import { openDatabase } from "./database.ts";
import { Dispatcher, type FailureResponse } from "./dispatcher.ts";
import type { Tasks } from "./running.ts";
import type { ServedFunction } from "./handler.ts";
import type { Engine } from "./engine/mod.ts";
import { stacks } from "./engine/stacks.ts";
import { SkerryError, toSkerryError } from "./errors.ts";
import {
  type FunctionEntry as Entry,
  type FunctionEvent,
  type FunctionFolder,
  FunctionRegistry,
  Unchained,
} from "./functions.ts";
import { type Grantee, Host } from "./host.ts";
import { type GrantCeilings, overGrantCeilings } from "./grant_limits.ts";
import { type Ceilings, MAX_COMPONENT_BYTES, underCeilings } from "./limits.ts";
import { hurry } from "./line.ts";
import { jsonSink, type LogSink } from "./log.ts";
import { type Limits, ManifestError } from "./manifest.ts";
import { shownPath } from "./manifest/folder.ts";
import { grantSchemas } from "./manifest/grants.ts";
import { chainOf, handsOn } from "./middleware.ts";
import { ceilingSetting } from "./settings.ts";
import { Script } from "./stack/script.ts";
import type { FunctionReport } from "./usage.ts";
import { type Called, handlerOf } from "./triggers/calls.ts";
import type { Clock } from "./triggers/clock.ts";
import { Triggers, unknownQueues } from "./triggers/mod.ts";
import type { PlatformCron } from "./triggers/schedule.ts";

/** A function as the router sees it. */
export type FunctionEntry = Entry<ServedFunction>;

/** How long it may take to note what became of messages when the server stops; without that they are handled again. */
const NOTING_MS = 2000;

/** Functions, and how a request gets to one. */
export interface Runtime {
  /** Whether callers may see what an operator sees. */
  readonly dev: boolean;
  readonly functions: readonly FunctionEntry[];
  /** Changes whenever the routes of a function may have changed. */
  readonly version: number;
  /** Whether it takes no more requests. */
  readonly stopping: boolean;
  /** The tasks that are running. */
  readonly tasks: Tasks;
  /** The counts of the process, as Prometheus reads them; `undefined` where they are not shown. */
  metrics?(): string | undefined;
  /** What a function imports, was granted and has used; `undefined` where there is none of that name, or nobody counts. */
  report?(name: string): FunctionReport | undefined;
  /** Serves a request by a function, in a task of its own. Never fails: a failure becomes a response through `failed`. */
  dispatch(entry: FunctionEntry, request: Request, failed: FailureResponse): Response | Promise<Response>;
  /** Lets running requests finish, at most `graceMs` milliseconds, and ends the rest. Returns how many those were. */
  stop(graceMs: number): Promise<number>;
}

/** What a {@linkcode FunctionRuntime} is made of. */
export interface RuntimeOptions {
  /** The folder whose subfolders are functions. */
  readonly directory: string;
  readonly engine: Engine;
  /** Capabilities of one's own, beside Skerry's. */
  readonly capabilities?: readonly Capability[];
  /** Show callers what an operator sees. Default: false. */
  readonly dev?: boolean;
  /** Load a function when its first request comes. Default: false. */
  readonly lazy?: boolean;
  /** Where log records go. Default: JSON lines on stdout. */
  readonly sink?: LogSink;
  /** Whose places isolates take. Default: those of the process. */
  readonly admission?: Admission;
  /** Whose connections outgoing requests take. Default: those of the process. */
  readonly connections?: ConnectionGate;
  /** The most that functions may have, whatever their manifests say. */
  readonly ceilings?: Ceilings;
  /** The most that quotas in their grants may be. */
  readonly grantCeilings?: GrantCeilings;
  /** Show the counts of the process. Default: false. */
  readonly metrics?: boolean;
  readonly report?: (event: FunctionEvent) => void;
  /** Where queues and schedules keep their state. Default: what `KV_URL` names. */
  readonly database?: () => Promise<Deno.Kv>;
  /** What schedules and retries go by. Default: the machine's. */
  readonly clock?: Clock;
  /** What wakes schedules. Default: `Deno.cron`, where there is one; `undefined` for none. */
  readonly platformCron?: PlatformCron | undefined;
  /** Builds a function that is given as source; resolves to the path of its `.wasm`. Without it, source is refused. */
  readonly build?: (folder: FunctionFolder) => Promise<string>;
}

/**
 * A runtime that serves a folder of functions. Call {@linkcode FunctionRuntime.scan} before the first request.
 */
export class FunctionRuntime implements Runtime {
  readonly dev: boolean;
  readonly #options: RuntimeOptions;
  readonly #sink: LogSink;
  readonly #host: Host;
  readonly #registry: FunctionRegistry<ServedFunction>;
  readonly #dispatcher: Dispatcher;
  readonly #connections: ConnectionGate;
  #triggers: Triggers | undefined;
  /** What each function may send to, and what was said about it. */
  readonly #sends = new Map<string, readonly string[]>();
  readonly #said = new Set<string>();
  #stopping = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.dev = options.dev ?? false;
    this.#sink = options.sink ?? jsonSink;
    this.#connections = options.connections ?? processConnections;
    const capabilities = [...builtinsWith(this.#connections), ...options.capabilities ?? []];
    const { capabilities: foreign = [], grantCeilings = {} } = options;
    this.#host = new Host(capabilities, { foreign, grantCeilings });
    this.#dispatcher = new Dispatcher({
      sink: this.#sink,
      record: this.dev,
      ...(options.admission === undefined ? {} : { admission: options.admission }),
      neighbour: (name) => {
        const entry = this.functions.find((entry) => entry.name === name);
        return entry === undefined ? undefined : waitFor(entry);
      },
    });
    this.#registry = new FunctionRegistry({
      directory: options.directory,
      grants: grantSchemas(capabilities),
      load: (folder) => this.#load(folder),
      report: (event) => {
        options.report?.(event);
        if (event.kind === "removed") this.#sends.delete(event.name);
        this.#followTriggers();
      },
      lazy: options.lazy ?? false,
    });
  }

  get functions(): readonly FunctionEntry[] {
    return this.#registry.entries;
  }

  get version(): number {
    return this.#registry.version;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get tasks(): Tasks {
    return this.#dispatcher.tasks;
  }

  metrics(): string | undefined {
    if (this.#options.metrics !== true) return undefined;
    const { admission, metrics, tasks } = this.#dispatcher;
    return metrics.text({ admission, connections: this.#connections, stacks, tasks: tasks.size });
  }

  report(name: string): FunctionReport | undefined {
    const { usage } = this.#dispatcher;
    const entry = this.functions.find((entry) => entry.name === name);
    if (entry === undefined || usage === undefined) return undefined;
    const { file, served, problem } = entry;
    return {
      name,
      file,
      imports: served?.imports ?? null,
      granted: served?.granted ?? [],
      problem: problem?.message ?? null,
      ...usage.of(name),
    };
  }

  /** Reads the whole folder. */
  scan(): Promise<void> {
    return this.#registry.scan();
  }

  /** Reads one function again. */
  refresh(folder: string): Promise<void> {
    return this.#registry.refresh(folder);
  }

  dispatch(entry: FunctionEntry, request: Request, failed: FailureResponse): Response | Promise<Response> {
    const { served } = entry;
    if (served !== null) return this.#dispatcher.dispatch(served, request, failed);
    return waitFor(entry).then(
      (served) => this.#dispatcher.dispatch(served, request, failed),
      (thrown) => failed({ error: toSkerryError(thrown, `loading ${entry.name}`), task: null, request }),
    );
  }

  /**
   * From now on functions are called for the messages of their queues and by their schedules. Call it after
   * {@linkcode scan}.
   */
  async startTriggers(): Promise<void> {
    const { clock } = this.#options;
    this.#triggers ??= new Triggers({
      database: this.#database,
      call: this.#dispatcher.call.bind(this.#dispatcher),
      sink: this.#sink,
      ...(clock === undefined ? {} : { clock }),
      ...("platformCron" in this.#options ? { platform: this.#options.platformCron } : {}),
    });
    await this.#followTriggers();
  }

  async #followTriggers(): Promise<void> {
    if (this.#triggers === undefined || this.#stopping) return;
    for (const [name, sends] of this.#sends) {
      for (const message of unknownQueues({ name, sends }, this.functions)) {
        if (this.#said.has(message)) continue;
        this.#said.add(message);
        this.#sink({ time: Date.now(), level: "warn", message, source: "host", function: name });
      }
    }
    await this.#triggers.follow(this.functions);
  }

  get #database(): () => Promise<Deno.Kv> {
    return this.#options.database ?? openDatabase;
  }

  async stop(graceMs: number): Promise<number> {
    this.#stopping = true;
    const stopped = this.#triggers?.stop();
    const left = await this.#dispatcher.stop(graceMs);
    if (stopped === undefined) return left;
    // What was handled is noted before the process ends, if the database can be had.
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, NOTING_MS);
    await Promise.race([stopped, patience.promise]);
    clearTimeout(timer);
    return left;
  }

  async #load(folder: FunctionFolder): Promise<ServedFunction> {
    const { manifest: { name, grants, env }, directory } = folder;
    const limits = this.#limitsOf(folder);
    const parts = { engine: this.#options.engine, host: this.#host, sink: this.#sink };
    const wasm = await this.#wasmOf(folder);
    await this.#prepareTriggers(folder);
    const loadedAs = { name, directory, grants, env, limits, called: folder.manifest, wasm };
    const served = await loadFunction(loadedAs, parts).catch((error: unknown) => {
      throw inManifest(error, folder);
    });
    await this.#checkChain(folder);
    return { ...served, middleware: folder.manifest.middleware };
  }

  /** @throws {ManifestError} when the function asks for more than the operator allows. */
  #limitsOf({ manifest, mistake }: FunctionFolder): Limits {
    const { ceilings = {}, grantCeilings = {} } = this.#options;
    const tooBig = (path: readonly string[], asked: number, ceiling: number, setting: string): ManifestError =>
      mistake(path, `${asked} is too big; the operator allows ${ceiling} (${setting}), so write at most that`);
    const { limits, over: [first] } = underCeilings(manifest.limits, ceilings);
    if (first !== undefined) {
      throw tooBig(["limits", first], manifest.limits[first], ceilings[first]!, ceilingSetting(first));
    }
    const over = overGrantCeilings(manifest.grants, grantCeilings);
    if (over !== undefined) throw tooBig(over.path, over.asked, over.ceiling, ceilingSetting(over.name));
    return limits;
  }

  /** @throws {SkerryError} `setting-invalid` when there is no place for the state of its queues and schedules. */
  async #prepareTriggers({ manifest: { name, grants, queues, schedule } }: FunctionFolder): Promise<void> {
    const { send = [] } = (grants["queue"] ?? {}) as { readonly send?: readonly string[] };
    this.#sends.set(name, send);
    if (this.#triggers !== undefined && queues.length + schedule.length > 0) await this.#database();
  }

  /** @throws {Unchained} when what is to stand in front of a function is not there, or cannot stand there. */
  async #checkChain({ manifest, mistake }: FunctionFolder): Promise<void> {
    const { name, middleware } = manifest;
    if (middleware.length === 0) return;
    const refuse = (index: number, message: string): never => {
      throw new Unchained(mistake(["middleware", index], message));
    };
    await this.#registry.read;
    const chain = chainOf({ name, middleware }, this.#registry.links);
    if ("message" in chain) return refuse(chain.index, chain.message);
    for (const [index, front] of middleware.entries()) {
      const served = await this.functions.find((entry) => entry.name === front)?.ready().catch(() => undefined);
      if (served === undefined) refuse(index, `${JSON.stringify(front)} could not be loaded; see its own message`);
      if (!served!.handsOn) {
        const world = "build it for the world wasi:http/middleware, or take it out";
        const lack = "does not import wasi:http/handler@0.3.0, and would hand nothing on";
        refuse(index, `${JSON.stringify(front)} ${lack}; ${world}`);
      }
    }
  }

  #wasmOf(folder: FunctionFolder): Promise<string> | string {
    const { manifest, directory } = folder;
    if (manifest.source.kind === "component") return join(directory, manifest.source.path);
    if (this.#options.build !== undefined) return this.#options.build(folder);
    throw new SkerryError(
      "build-failed",
      `loading ${manifest.name}: ${manifest.source.path} is source, and this server only runs components. ` +
        "Run `deno task build`, and serve dist/.",
    );
  }
}

/** What is wrong with a component, said where its function names it. */
function inManifest(error: unknown, { manifest: { source }, mistake }: FunctionFolder): unknown {
  if (!(error instanceof SkerryError) || error instanceof ManifestError || !error.code.startsWith("component-")) {
    return error;
  }
  const why = `${JSON.stringify(source.path)} cannot be served: ${error.message.replace(/\.$/, "")}`;
  return new SkerryError(error.code, mistake(["source"], why).message, { cause: error });
}

/** A function that somebody waits for: it is built before those that nobody has asked for. */
async function waitFor(entry: FunctionEntry): Promise<ServedFunction> {
  using _first = hurry(entry.name);
  return await entry.ready();
}

const BY_REQUESTS: Called = { routes: [], queues: [], schedule: [] };

/** What a component has to be known by to be served. */
export interface LoadedAs extends Grantee {
  readonly limits: Limits;
  /** The component's path. */
  readonly wasm: string;
  /** What calls it. Default: requests. */
  readonly called?: Called;
}

/**
 * Makes a component ready to serve: compiled, and linked to what it was granted.
 *
 * @throws {SkerryError} with what keeps it from that.
 */
export async function loadFunction(
  { wasm, limits, called = BY_REQUESTS, ...grantee }: LoadedAs,
  { engine, host, sink }: { readonly engine: Engine; readonly host: Host; readonly sink: LogSink },
): Promise<ServedFunction> {
  const { name } = grantee;
  const loaded = await engine.load(await readComponent(wasm), { name, limits });
  const handler = handlerOf(loaded, name, called);
  const { toSource } = new Script(wasm);
  const { component, warnings } = await host.link(loaded, { ...grantee, toSource });
  for (const message of warnings) {
    sink({ time: Date.now(), level: "warn", message, source: "host", function: name });
  }
  const { memory } = loaded;
  const { imports } = loaded;
  return {
    name,
    linked: component,
    handler,
    limits,
    handsOn: handsOn(imports),
    imports,
    granted: Object.keys(grantee.grants),
    ...(memory === undefined ? {} : { memory }),
  };
}

/**
 * The bytes of a component.
 *
 * @throws {SkerryError} `component-malformed`, when the file is not there or too large.
 */
export async function readComponent(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const shown = shownPath(path);
  let size: number;
  try {
    ({ size } = await Deno.stat(path));
    if (size <= MAX_COMPONENT_BYTES) return await Deno.readFile(path);
  } catch (error) {
    throw new SkerryError(
      "component-malformed",
      `reading ${shown}: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  }
  throw new SkerryError(
    "component-malformed",
    `reading ${shown}: it has ${size} bytes, and a component may have ${MAX_COMPONENT_BYTES}. Build it smaller.`,
  );
}
