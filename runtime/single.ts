/**
 * One component as a server of its own, without a folder and a manifest.
 *
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { builtinCapabilities } from "./capabilities/mod.ts";
import type { Capability } from "./capability.ts";
import { Dispatcher, type FailureResponse } from "./dispatcher.ts";
import type { ServedFunction } from "./handler.ts";
import type { Engine } from "./engine/mod.ts";
import { SkerryError, toSkerryError } from "./errors.ts";
import { Host } from "./host.ts";
import { type LogSink, silentSink } from "./log.ts";
import { type Manifest, ManifestError, parseManifest, type Route } from "./manifest.ts";
import { shownPath } from "./manifest/folder.ts";
import { grantSchemas } from "./manifest/grants.ts";
import { defaultEngine } from "./open.ts";
import { type FunctionEntry, loadFunction, type Runtime } from "./runtime.ts";

/** What a component may use and take: the keys of `function.json`, and what its host is made of. */
export interface ComponentOptions {
  /** What logs and errors call it. Default: the file's name. */
  readonly name?: string;
  readonly grants?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Partial<Manifest["limits"]>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities of your own, which `grants` may then name. */
  readonly capabilities?: readonly Capability[];
  /** Show callers what an operator sees. Default: false. */
  readonly dev?: boolean;
  /** Where log records go. Default: nowhere. */
  readonly sink?: LogSink;
  readonly engine?: Engine;
}

/** A runtime of one component, which starts to load at once. */
export class ComponentRuntime implements Runtime, FunctionEntry {
  readonly name: string;
  readonly file: string;
  readonly dev: boolean;
  readonly version = 0;
  readonly routes: readonly Route[] = [{ path: "/*", methods: null, host: null }];
  readonly queues = [];
  readonly schedule = [];
  readonly #dispatcher: Dispatcher;
  readonly #loading: Promise<ServedFunction>;
  #served: ServedFunction | null = null;
  #problem: SkerryError | null = null;
  #stopping = false;

  /** @throws {SkerryError} `manifest-invalid`, when the options are not what a manifest may have. */
  constructor(path: string | URL, options: ComponentOptions = {}) {
    const wasm = path instanceof URL ? fileURLToPath(path) : resolve(path);
    const sink = options.sink ?? silentSink;
    const capabilities = [...builtinCapabilities, ...options.capabilities ?? []];
    const { name, grants, limits, env } = checked(wasm, options, capabilities);
    this.name = name;
    this.file = shownPath(wasm);
    this.dev = options.dev ?? false;
    this.#dispatcher = new Dispatcher({ sink, record: this.dev });
    const loadedAs = { name, directory: dirname(wasm), grants, env, limits, wasm };
    const parts = {
      engine: options.engine ?? defaultEngine(),
      host: new Host(capabilities, { foreign: options.capabilities ?? [] }),
      sink,
    };
    this.#loading = loadFunction(loadedAs, parts).then(
      (served) => this.#served = served,
      (thrown) => {
        this.#problem = toSkerryError(thrown, `loading ${this.file}`);
        throw new SkerryError("function-broken", `serving ${name}: it could not be loaded`, { cause: this.#problem });
      },
    );
    // Each request is told; until there is one, nobody waits for it.
    this.#loading.catch(() => {});
  }

  get functions(): readonly FunctionEntry[] {
    return [this];
  }

  get served(): ServedFunction | null {
    return this.#served;
  }

  get problem(): SkerryError | null {
    return this.#problem;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get tasks(): Runtime["tasks"] {
    return this.#dispatcher.tasks;
  }

  ready(): Promise<ServedFunction> {
    return this.#loading;
  }

  dispatch(_entry: FunctionEntry, request: Request, failed: FailureResponse): Response | Promise<Response> {
    if (this.#served !== null) return this.#dispatcher.dispatch(this.#served, request, failed);
    return this.#loading.then(
      (served) => this.#dispatcher.dispatch(served, request, failed),
      (thrown) => failed({ error: toSkerryError(thrown, `loading ${this.name}`), task: null, request }),
    );
  }

  stop(graceMs: number): Promise<number> {
    this.#stopping = true;
    return this.#dispatcher.stop(graceMs);
  }
}

/** The options as the manifest that they stand for: one place says what may be written. */
function checked(wasm: string, options: ComponentOptions, capabilities: readonly Capability[]): Manifest {
  const { grants, limits, env } = options;
  const name = options.name ??
    basename(wasm, ".wasm").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "");
  const written = {
    name: name || "component",
    routes: [{ path: "/*" }],
    source: "component.wasm",
    grants,
    limits,
    env,
  };
  const file = `component(${JSON.stringify(shownPath(wasm))})`;
  try {
    return parseManifest(JSON.stringify(written), { file, grants: grantSchemas(capabilities) });
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    // Nobody has written the JSON that its lines and columns are of.
    const problems = error.problems.map(({ key, message }) => `reading the options of ${file}: ${key}: ${message}.`);
    throw new SkerryError("manifest-invalid", problems.join("\n"));
  }
}
