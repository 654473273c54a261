/**
 * The jco engine: `@bytecodealliance/jco` turns a component into JavaScript, and JSPI suspends the guest while the host
 * waits. It is the reference: what it runs, Skerry runs.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { SkerryError } from "../../errors.ts";
import type { Engine, HostImports, LinkedComponent, LoadedComponent, LoadOptions } from "../mod.ts";
import { IsolateHooks } from "./hooks.ts";
import { makeIsolate } from "./isolate.ts";
import { resolveImports } from "./link.ts";
import { HOOKS_IMPORT } from "./patch.ts";
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
}

/** The generated module's one export that matters. */
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => WebAssembly.Instance,
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
  const readOnly = options.readOnly ?? false;
  const compiled = new Sharing<CompiledComponent>();
  return {
    name: "jco",
    async load(
      bytes: Uint8Array<ArrayBuffer>,
      { name = "component" }: LoadOptions = {},
    ): Promise<LoadedComponent> {
      const key = await transpileKey(bytes);
      const component = await compiled.get(
        key,
        async () => await compile(await transpile(bytes, name, { cacheDir, readOnly })),
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

interface CompiledComponent {
  readonly transpiled: Transpiled;
  readonly instantiate: Instantiate;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
}

async function compile(transpiled: Transpiled): Promise<CompiledComponent> {
  const [code, ...modules] = await Promise.all([
    import(transpiled.code.href) as Promise<{ instantiate: Instantiate }>,
    ...transpiled.facts.modules.map(async (file) =>
      [
        file,
        await WebAssembly.compile(
          await Deno.readFile(new URL(file, transpiled.dir)),
        ),
      ] as const
    ),
  ]);
  return {
    transpiled,
    instantiate: code.instantiate,
    modules: new Map(modules),
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
  const { modules, instantiate, transpiled } = component;
  const getCoreModule = (file: string) => modules.get(file)!;
  const instantiateCore = (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => new WebAssembly.Instance(module, imports);
  return {
    async instantiate() {
      const hooks = new IsolateHooks(name);
      if (hooks.over) throw hooks.overError(`instantiate of ${name}`);
      try {
        const instance = await instantiate(
          getCoreModule,
          { ...imports, [HOOKS_IMPORT]: hooks },
          instantiateCore,
        );
        return makeIsolate(hooks, instance, transpiled.facts.exports);
      } catch (error) {
        hooks.dispose();
        throw error;
      }
    },
  };
}

function folderUrl(path: string | URL): URL {
  const href = path instanceof URL || path.startsWith("file:") ? String(path) : pathToFileURL(path).href;
  return new URL(href.endsWith("/") ? href : `${href}/`);
}
