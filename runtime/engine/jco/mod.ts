/**
 * The jco engine: `@bytecodealliance/jco` turns a component into JavaScript, and JSPI suspends the guest while the host
 * waits. It is the reference: what it runs, Skerry runs.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { SkerryError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import type { MemoryNeed } from "../../memory.ts";
import type { GrowthLimits } from "../growth.ts";
import { checkConstants, checkElements, checkStart, elementsOf, Meter, meterAll, pagesLeft } from "../metering.ts";
import type { Engine, HostImports, LinkedComponent, LoadedComponent, LoadOptions } from "../mod.ts";
import { inTurns } from "../steps.ts";
import { IsolateHooks } from "./hooks.ts";
import type { Link } from "./hoist.ts";
import { makeIsolate } from "./isolate.ts";
import { resolveImports } from "./link.ts";
import { HOOKS_IMPORT } from "./patch.ts";
import { SharedHooks } from "./shared.ts";
import { transpile, type Transpiled, transpileKey } from "./transpile.ts";

export { transpileKey } from "./transpile.ts";

/** Where the engine keeps generated code. */
export interface JcoEngineOptions {
  /** A folder, by default `.skerry/jco` in the working directory: it gets a folder for each component. */
  readonly cacheDir?: string | URL;
  /**
   * Only take what is in the folder: no process is started and nothing is written. Needs `--allow-read` alone.
   * Default: false.
   */
  readonly readOnly?: boolean;
  /** Measure and bound what guests take: CPU time, memory, tables. Default: true. */
  readonly meter?: boolean;
}

const PAGE_BYTES = 65_536;

/** The generated module's one export that matters, where it is not hoisted. */
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (
    module: WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ) => { readonly exports: WebAssembly.Exports },
) => Promise<Record<string, unknown>> | Record<string, unknown>;

/**
 * An engine that runs what jco makes of a component.
 *
 * @throws {SkerryError} `runtime-unsupported`, on a runtime without JSPI.
 *
 * @example
 * ```ts
 * import { createJcoEngine } from "./mod.ts";
 *
 * const engine = createJcoEngine({ cacheDir: ".skerry/jco" });
 * console.assert(engine.name === "jco");
 * ```
 */
export function createJcoEngine(options: JcoEngineOptions = {}): Engine {
  if (!("Suspending" in WebAssembly)) {
    throw new SkerryError(
      "runtime-unsupported",
      "starting the jco engine: this JavaScript runtime has no WebAssembly JavaScript Promise Integration. Use Deno 2.5 or newer.",
    );
  }
  const cacheDir = folderUrl(options.cacheDir ?? ".skerry/jco");
  const { readOnly = false, meter = true } = options;
  const compiled = new Sharing<CompiledComponent>();
  return {
    name: "jco",
    async load(
      bytes: Uint8Array<ArrayBuffer>,
      { name = "component", limits = DEFAULT_LIMITS }: LoadOptions = {},
    ): Promise<LoadedComponent> {
      const key = await transpileKey(bytes);
      const component = await compiled.get(
        meter ? `${key} ${limits.memoryMb} ${limits.tableElements}` : key,
        async () =>
          await compile(await transpile(bytes, name, { cacheDir, readOnly }), name, meter ? limits : undefined),
      );
      return loaded(component, name);
    },
  };
}

/**
 * What is made once for all who want it at the same time, and kept as long as one of them has it: two functions may share
 * a component, and of those that a developer has replaced none should stay.
 */
class Sharing<T extends object> {
  readonly #making = new Map<string, Promise<T>>();
  readonly #made = new Map<string, WeakRef<T>>();

  async get(key: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(key)?.deref();
    if (made !== undefined) return made;
    let making = this.#making.get(key);
    if (making === undefined) {
      making = make().finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    const value = await making;
    this.#made.set(key, new WeakRef(value));
    return value;
  }
}

type GeneratedCode = { readonly link: Link<IsolateHooks> } | { readonly instantiate: Instantiate };

interface CompiledComponent {
  readonly transpiled: Transpiled;
  readonly code: GeneratedCode;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  /** What its memories begin with, if that is known. */
  readonly memory?: MemoryNeed;
  /** For one linked component, if it is metered. */
  meter(): Meter | undefined;
}

async function compile(
  transpiled: Transpiled,
  name: string,
  limits: GrowthLimits | undefined,
): Promise<CompiledComponent> {
  const code = await import(transpiled.code.href) as GeneratedCode;
  const files = await Promise.all(transpiled.facts.modules.map((file) => Deno.readFile(new URL(file, transpiled.dir))));
  const compileAll = async (sources: readonly Uint8Array<ArrayBuffer>[]) => {
    const modules = await Promise.all(sources.map((source) => WebAssembly.compile(source)));
    return new Map(transpiled.facts.modules.map((file, i) => [file, modules[i]!]));
  };
  if (limits === undefined) {
    return { transpiled, code, modules: await compileAll(files), meter: () => undefined };
  }
  const metered = await inTurns(meterAll(files, name, limits));
  const { instances } = transpiled.facts;
  const own = metered.flatMap(({ memories }, i) =>
    memories.filter(({ imported }) => !imported).flatMap((memory) => Array<typeof memory>(instances[i]!).fill(memory))
  );
  const bytes = own.reduce((sum, { min }) => sum + Number(min) * PAGE_BYTES, 0);
  pagesLeft(bytes, name, limits);
  const elements = metered.reduce((sum, module, i) => sum + elementsOf(module) * instances[i]!, 0);
  checkElements(elements, name, limits);
  checkConstants(metered.reduce((sum, { constantBytes }, i) => sum + constantBytes * instances[i]!, 0), name);
  checkStart(metered.reduce((sum, { startSteps }, i) => sum + startSteps * instances[i]!, 0), name);
  const allocates = metered.some((module) => module.allocates);
  return {
    transpiled,
    code,
    modules: await compileAll(metered.map((module) => module.bytes)),
    memory: { bytes, memories: own.length },
    meter: () => new Meter({ limits, bytes, elements, allocates }),
  };
}

function loaded(component: CompiledComponent, name: string): LoadedComponent {
  const { facts } = component.transpiled;
  return {
    imports: facts.imports.map((item) => ({
      name: item.name,
      functions: item.functions.map((f) => f.name),
    })),
    exports: facts.exports
      .filter((item) => item.sort === "instance")
      .map((item) => item.name),
    ...(component.memory === undefined ? {} : { memory: component.memory }),
    // deno-lint-ignore require-await -- a refusal is a rejection
    async link(host: HostImports): Promise<LinkedComponent> {
      return linked(component, resolveImports(facts.imports, host, name), name);
    },
  };
}

function linked(
  component: CompiledComponent,
  imports: Record<string, unknown>,
  name: string,
): LinkedComponent {
  const { transpiled } = component;
  const instantiate = instantiator(component, imports, name);
  const meter = component.meter();
  return {
    async instantiate() {
      const hooks = new IsolateHooks(name, meter);
      if (hooks.over) throw hooks.overError(`instantiate of ${name}`);
      try {
        const made = instantiate(hooks);
        const instance = made instanceof Promise ? await made : made;
        return makeIsolate(hooks, instance, transpiled.facts.exports);
      } catch (error) {
        // What ended the guest, if that came of what the meter said.
        const cause = error instanceof Error ? hooks.trapped(error) : error;
        hooks.dispose();
        throw cause;
      }
    },
  };
}

/** Makes what generated code makes for one isolate. */
function instantiator(
  { code, modules }: CompiledComponent,
  imports: Record<string, unknown>,
  name: string,
): (hooks: IsolateHooks) => ReturnType<Instantiate> {
  const getCoreModule = (file: string) => modules.get(file)!;
  if ("link" in code) {
    const instantiate = code.link(getCoreModule, imports, new SharedHooks(name));
    return (hooks) => instantiate(hooks, (module, imports) => hooks.code.instantiate(module, imports));
  }
  return (hooks) =>
    code.instantiate(
      getCoreModule,
      { ...imports, [HOOKS_IMPORT]: hooks },
      (module, imports) => hooks.code.instantiateWrapped(module, imports),
    );
}

function folderUrl(path: string | URL): URL {
  const href = path instanceof URL || path.startsWith("file:") ? String(path) : pathToFileURL(path).href;
  return new URL(href.endsWith("/") ? href : `${href}/`);
}
