/**
 * The configuration with which a source is bundled; runs inside jco, in the process of a build.
 *
 * @module
 */
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { Backend } from "../manifest.ts";
import { importBySource } from "./imports.ts";

/** What a bundle was made of; written beside it. */
export interface BundleFacts {
  /** Every file that went in, absolute. */
  readonly inputs: readonly string[];
  /** The source map from the bundle to the inputs, as JSON; it names them from the function's folder. */
  readonly map: string | null;
  /** What it imports and no WIT has, in words. The build may succeed all the same: jco knows some that we do not. */
  readonly unknownImports?: readonly string[];
  /** The modules of Node that it imports and no host has: the build succeeds, and the component would never run. */
  readonly nodeModules?: readonly string[];
}

interface Chunk {
  readonly type: string;
  readonly imports?: readonly string[];
  readonly moduleIds?: readonly string[];
  readonly map?: { readonly sources: readonly string[]; readonly mappings: string } | null;
}

interface Log {
  readonly code?: string;
  readonly id?: string;
  readonly message: string;
}

/** The name of a WIT interface, which the component imports: `my:app/kv`, `wasi:io/poll@0.2.3`. */
const WIT_IMPORT = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z]/;

/** What jco puts in the place of a module of Node that needs a host: `jco:node/fs@0.1.0`. */
const NODE_HOST = /^jco:node\/([a-z0-9-]+)@/;
/** As Deno writes npm packages: `npm:hono@4/cors`. */
const NPM_IMPORT = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/;

/** Where the facts go, and what WIT there is. */
export interface BundleConfigOptions {
  readonly factsFile: string;
  /** The folder of the build's WIT; what the source imports is added to its world. */
  readonly wit: string;
  readonly backend: Backend;
  /** The function's folder, absolute. */
  readonly dir: string;
  /** What a stack calls the bundle. */
  readonly file: string;
}

/** A rolldown configuration that writes {@linkcode BundleFacts}. */
export function bundleConfig(options: BundleConfigOptions): Record<string, unknown> {
  const { factsFile, wit, backend, dir, file } = options;
  return {
    external: (id: string) => WIT_IMPORT.test(id),
    output: {
      sourcemap: "hidden",
      sourcemapExcludeSources: true,
      sourcemapPathTransform: (source: string, map: string) => shownSource(resolve(dirname(map), source), dir),
    },
    // An import that is not found would be left to the guest, which has nothing to look in.
    onLog(level: string, log: Log, handle: (level: string, log: Log) => void) {
      if (log.code === "UNRESOLVED_IMPORT") handle("error", log);
      // A source need not have what the code around it asks for.
      else if (log.code === "IMPORT_IS_UNDEFINED" && log.id === ENTRY) return;
      else handle(level, log);
    },
    plugins: [
      ...backend === "starlingmonkey" ? [entryAround(entryCode)] : [entryAround(handlerCode), futures()],
      {
        name: "skerry-npm-specifiers",
        resolveId(
          this: { resolve(id: string, importer?: string): Promise<unknown> },
          id: string,
          importer: string | undefined,
        ) {
          const match = NPM_IMPORT.exec(id);
          return match === null ? null : this.resolve(`${match[1]}${match[2] ?? ""}`, importer);
        },
      },
      {
        name: "skerry-facts",
        async generateBundle(_options: unknown, bundle: Record<string, Chunk>) {
          const chunks = Object.values(bundle).filter((item) => item.type === "chunk");
          const imports = chunks.flatMap((chunk) => chunk.imports ?? []);
          const facts: BundleFacts = {
            inputs: chunks.flatMap((chunk) => chunk.moduleIds ?? []).filter((id) => isAbsolute(id)),
            map: mapText(file, chunks[0]?.map),
            // jco reads the world after this.
            unknownImports: await importBySource(wit, imports),
            nodeModules: imports.flatMap((id) => NODE_HOST.exec(id)?.[1] ?? []),
          };
          Deno.writeTextFileSync(factsFile, JSON.stringify(facts));
          // jco takes a bundle of one file only.
          for (const [name, item] of Object.entries(bundle)) if (item.type === "asset") delete bundle[name];
        },
      },
    ],
  };
}

/** A source as a stack names it: from the function's folder; or, where it was installed, from there. */
function shownSource(path: string, dir: string): string {
  const shown = relative(dir, path).replaceAll(sep, "/");
  const installed = shown.lastIndexOf("node_modules/");
  return installed < 0 ? shown : shown.slice(installed);
}

/** What is needed of a map to find places: no sources, no names. */
function mapText(file: string, map: Chunk["map"]): string | null {
  if (map == null) return null;
  const { sources, mappings } = map;
  return JSON.stringify({ version: 3, file, sources, names: [], mappings });
}

/** Stand before and around a source. The names are nobody's: they cannot be a file's. */
const LISTENING = "\0skerry-listening";
const ENTRY = "\0skerry-entry";

/** Runs before the source, and notices whether it listens for `fetch` events by itself. */
const LISTENING_CODE = `export let isListening = false;
const listen = globalThis.addEventListener;
globalThis.addEventListener = (type, ...rest) => {
  if (type === "fetch") isListening = true;
  return listen(type, ...rest);
};
`;

/**
 * Makes of `export default { fetch }` what StarlingMonkey knows: a listener for `fetch` events. What `fetch` throws is
 * logged and answered as Deno does it; StarlingMonkey by itself begins a response and never ends it. What is logged, and
 * the answer, is what `runtime/stack/thrown.ts` and `routes/thrown.ts` know it by.
 */
const entryCode = (source: string) =>
  `import { isListening } from "${LISTENING.replace("\0", "\\0")}";
import * as source from ${source};
export * from ${source};
const app = source.default;
// What a function of the host throws is no instance of the source's Error, and its message does not say which variant.
const told = (error) => {
  if (typeof error?.stack !== "string") return error;
  const { tag, val } = error.payload ?? {};
  const message = typeof tag !== "string" ? error.message : typeof val !== "string" ? tag : tag + ": " + val;
  // The frames of the code here are none of the source's.
  return error.name + ": " + message + "\\n" + error.stack.replace(/\\n?[^\\n]*skerryRespond@[^]*$/, "").trimEnd();
};
if (typeof app?.fetch === "function") {
  const skerryRespond = async (request) => {
    try {
      const response = await app.fetch(request);
      if (response instanceof Response) return response;
      throw new TypeError("fetch() returned " + (response === null ? "null" : typeof response) + ", not a Response");
    } catch (error) {
      console.error("Uncaught", told(error));
      const headers = { "content-type": "text/plain", "content-length": "22" };
      return new Response("Internal Server Error\\n", { status: 500, headers });
    }
  };
  addEventListener("fetch", (event) => event.respondWith(skerryRespond(event.request)));
} else if (app !== undefined) {
  throw new TypeError(
    "the default export has no method fetch(request); write: export default { fetch(request) { return new Response() } }",
  );
} else if (!isListening && source.incomingHandler === undefined) {
  throw new TypeError("nothing answers requests; write: export default { fetch(request) { return new Response() } }");
}
`;

/**
 * Async functions of WASI by their interfaces, and where the same is had as a future: QuickJS components can import no
 * async function yet, as what runs them at build time offers them none (componentize-qjs 0.4.5).
 */
const FUTURES: Readonly<Record<string, readonly [interfaceName: string, name: string]>> = {
  "wasi:http/client@0.3.0": ["skerry:http/client@0.1.0", "send"],
  "wasi:http/handler@0.3.0": ["skerry:http/handler@0.1.0", "handle"],
};

/** Where a source imports one of {@linkcode FUTURES}: jco leaves all that begins with `wasi:` to the component. */
const FROM_FUTURES = /(\bfrom\s*|\bimport\s*)(["'])(wasi:http\/(?:client|handler)@0\.3\.0)\2/g;

/** Puts what waits for a future in the place of each of {@linkcode FUTURES}. */
function futures() {
  const prefix = "\0skerry-future ";
  return {
    name: "skerry-futures",
    transform(code: string): { code: string } | null {
      const replaced = code.replace(
        FROM_FUTURES,
        (_, from: string, quote: string, id: string) => `${from}${quote}${prefix.replace("\0", "\\0")}${id}${quote}`,
      );
      return replaced === code ? null : { code: replaced };
    },
    resolveId: (id: string) => id.startsWith(prefix) ? id : null,
    load(id: string): string | null {
      if (!id.startsWith(prefix)) return null;
      const [interfaceName, name] = FUTURES[id.slice(prefix.length)]!;
      return `import { ${name} as begin } from ${JSON.stringify(interfaceName)};
export const ${name} = async (request) => {
  const result = await begin(request).read();
  if (result.tag === "err") throw result.val;
  return result.val;
};
`;
    },
  };
}

/**
 * Looks for what answers, on QuickJS: without it the component would be built, and trap at each request. jco puts errors of
 * its own, as Node has them, in the place of an `Error` that is not named as the global's.
 */
const handlerCode = (source: string) =>
  `import * as source from ${source};
export * from ${source};
const write = "write: export const handler = { async handle(request) { … } }, as components/hello-p3 does";
if (source.default !== undefined && source.handler === undefined) {
  throw new globalThis.Error("QuickJS knows no default export, nor fetch; " + write + ", or leave out \\"backend\\" in function.json");
} else if (Object.keys(source).length === 0) {
  throw new globalThis.Error("nothing answers requests; " + write);
}
`;

/** Puts code around the source that is bundled. */
function entryAround(codeOf: (source: string) => string) {
  let entry: string | undefined;
  return {
    name: "skerry-entry",
    async resolveId(
      this: { resolve(id: string): Promise<{ readonly id: string } | null> },
      id: string,
      importer: string | undefined,
    ): Promise<string | null> {
      if (id === ENTRY || id === LISTENING) return id;
      if (importer !== undefined || entry !== undefined) return null;
      entry = (await this.resolve(id))?.id ?? id;
      return ENTRY;
    },
    load(id: string): string | null {
      if (id === LISTENING) return LISTENING_CODE;
      return id === ENTRY ? codeOf(JSON.stringify(entry)) : null;
    },
  };
}
