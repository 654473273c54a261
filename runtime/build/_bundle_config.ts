/**
 * The configuration with which a source is bundled; runs inside jco, in the process of a build.
 *
 * @module
 */
import { isAbsolute } from "node:path";

/** What a bundle was made of; written beside it. */
export interface BundleFacts {
  /** Every file that went in, absolute. */
  readonly inputs: readonly string[];
  /** The source map from the bundle to the inputs, as JSON. */
  readonly map: string | null;
}

interface Chunk {
  readonly type: string;
  readonly moduleIds?: readonly string[];
  readonly map?: { toString(): string } | null;
}

interface Log {
  readonly code?: string;
  readonly exporter?: string;
  readonly message: string;
}

/** The name of a WIT interface, which the component imports: `my:app/kv`, `wasi:io/poll@0.2.3`. */
const WIT_IMPORT = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z]/;

/** As Deno writes npm packages: `npm:hono@4/cors`. */
const NPM_IMPORT = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/;

/** A rolldown configuration that writes {@linkcode BundleFacts} to `factsFile`. */
export function bundleConfig(factsFile: string): Record<string, unknown> {
  return {
    external: (id: string) => WIT_IMPORT.test(id),
    output: { sourcemap: "hidden" },
    // An import that is not found would be left to the guest, which has nothing to look in.
    onLog(level: string, log: Log, handle: (level: string, log: Log) => void) {
      if (log.code === "UNRESOLVED_IMPORT") handle("error", log);
      else handle(level, log);
    },
    plugins: [
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
        generateBundle(_options: unknown, bundle: Record<string, Chunk>) {
          const chunks = Object.values(bundle).filter((item) => item.type === "chunk");
          const facts: BundleFacts = {
            inputs: chunks.flatMap((chunk) => chunk.moduleIds ?? []).filter((id) => isAbsolute(id)),
            map: chunks[0]?.map?.toString() ?? null,
          };
          Deno.writeTextFileSync(factsFile, JSON.stringify(facts));
          // jco takes a bundle of one file only.
          for (const [name, item] of Object.entries(bundle)) if (item.type === "asset") delete bundle[name];
        },
      },
    ],
  };
}
