/**
 * TypeScript declarations of what a source imports by the name of a WIT interface, such as
 * `wasi:keyvalue/store@0.2.0-draft2`: for editors and `deno check`. Builds do not need them.
 *
 * @module
 */
import { join } from "node:path";
import { runChild } from "../child.ts";
import { SkerryError } from "../errors.ts";
import type { Backend } from "../manifest.ts";
import { importBySource } from "./imports.ts";
import { prepareWit, WORLD } from "./wit.ts";

/** WIT to declare: interfaces by name, and those of a function's own. */
export interface TypesOptions {
  readonly backend: Backend;
  /** Interfaces to declare. Those that nobody has the WIT of are left out. */
  readonly interfaces: readonly string[];
  /** A `.wit` file or folder, absolute; `null` for none. */
  readonly wit: string | null;
  /** The world in `wit`. */
  readonly world: string | null;
}

const INTRODUCTION =
  `// What a function may import by the name of a WIT interface. This file is made from the WIT of Skerry's capabilities and
// of the functions beside it by \`deno task types\`; deno.json names it under "compilerOptions", "types".
// Where it says \`undefined\`, a guest on QuickJS is given \`null\`, and may give either.
`;

/**
 * The text of one file with a \`declare module\` for each interface. Of two that have one name the first is taken.
 *
 * @throws {SkerryError} `build-failed`, when WIT cannot be read.
 */
export async function typesText(all: readonly TypesOptions[]): Promise<string> {
  const modules = new Map<string, string>();
  for (const options of all) {
    for (const [name, text] of await modulesOf(options)) if (!modules.has(name)) modules.set(name, text);
  }
  const sorted = [...modules].sort(([a], [b]) => a < b ? -1 : 1);
  return INTRODUCTION + sorted.map(([, text]) => `\n${text}`).join("");
}

async function modulesOf(options: TypesOptions): Promise<[name: string, text: string][]> {
  const { backend, wit, world, interfaces } = options;
  const outDir = await Deno.makeTempDir({ prefix: "skerry-types-" });
  try {
    await prepareWit({ backend, wit, world, outDir });
    await importBySource(outDir, interfaces);
    const { code, stdout, stderr } = await runChild({
      script: new URL("./_types_child.ts", import.meta.url),
      flags: ["--allow-read", "--allow-env"],
      args: [outDir, WORLD],
    });
    if (code !== 0) {
      const what = wit ?? `the interfaces for ${backend}`;
      throw new SkerryError("build-failed", `declaring ${what}: ${stderr.trim().slice(0, 1000)}`);
    }
    const files: [string, string][] = JSON.parse(new TextDecoder().decode(stdout));
    return files.filter(([file]) => file.startsWith(join("interfaces", ""))).flatMap(([, text]) => {
      // All are in one file, so none has to name another.
      const module = text.replace(/^\/\/\/ .*\n/gm, "").trimStart()
        // Guests have streams of bytes in chunks, not byte by byte as jco declares them.
        .replaceAll("AsyncIterable<number>", "AsyncIterable<Uint8Array>");
      const name = /^declare module '([^']+)'/.exec(module)?.[1];
      return name === undefined ? [] : [[name, module]];
    });
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
}
