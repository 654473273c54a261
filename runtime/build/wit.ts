/**
 * The WIT that a source is built for: WASI's own packages, and what the function brings.
 *
 * @module
 */
import { join } from "node:path";
import { SkerryError } from "../errors.ts";
import type { Backend } from "../manifest.ts";
import { packageFolder } from "./_packages.ts";

/** The world that {@linkcode prepareWit} writes. */
export const WORLD = "function";

/** WASI packages by the version whose text jco has, and the version under which the backend wants it. */
const PACKAGES: Readonly<Record<Backend, readonly (readonly [name: string, text: string, as: string])[]>> = {
  // StarlingMonkey hands `fetch` events only to a component that exports wasi:http of exactly 0.2.10, and jco's texts of
  // that version are not complete. Between the two versions the interfaces have only gained comments.
  starlingmonkey: [
    ["clocks", "0.2.10", "0.2.10"],
    ["io", "0.2.10", "0.2.10"],
    ["sockets", "0.2.10", "0.2.10"],
    ["cli", "0.2.12", "0.2.10"],
    ["filesystem", "0.2.12", "0.2.10"],
    ["http", "0.2.12", "0.2.10"],
    ["random", "0.2.12", "0.2.10"],
  ],
  quickjs: ["cli", "clocks", "filesystem", "http", "random", "sockets"]
    .map((name) => [name, "0.3.0", "0.3.0"] as const),
};

const WORLD_ITEMS: Readonly<Record<Backend, readonly string[]>> = {
  starlingmonkey: [
    "import wasi:http/outgoing-handler@0.2.10;",
    "export wasi:http/incoming-handler@0.2.10;",
  ],
  // Without wasi:http/client, which is async by type: a source that imports it gets it by a future (_bundle_config.ts).
  quickjs: [
    "import wasi:http/types@0.3.0;",
    "import wasi:clocks/monotonic-clock@0.3.0;",
    "export wasi:http/handler@0.3.0;",
  ],
};

/** What {@linkcode prepareWit} is made of. */
export interface WitOptions {
  readonly backend: Backend;
  /** A `.wit` file or a folder of the function's own, absolute; `null` if it has none. */
  readonly wit: string | null;
  /** The world in `wit` that is added; `null` if there is at most one. */
  readonly world: string | null;
  /** Where the WIT folder is written. */
  readonly outDir: string;
}

/**
 * Writes a WIT folder with the world {@linkcode WORLD}: an HTTP handler, and the imports and exports of the function's own
 * world. If its WIT has no world, all its interfaces are imported.
 *
 * @throws {SkerryError} `build-failed`, when the function's WIT cannot be used.
 */
export async function prepareWit(options: WitOptions): Promise<void> {
  const { backend, outDir } = options;
  const texts = join(packageFolder("@bytecodealliance/jco"), "lib", "wit", "builtin");
  const ours = new Set<string>();
  for (const [name, version, as] of PACKAGES[backend]) {
    const text = await Deno.readTextFile(join(texts, version, `wasi-${name}`, "package.wit"));
    const folder = join(outDir, "deps", `wasi-${name}`);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "package.wit"), withoutWorlds(text).replaceAll(`@${version}`, `@${as}`));
    ours.add(`wasi:${name}@${as}`);
  }
  const items = [...WORLD_ITEMS[backend]];
  if (options.wit !== null) items.push(...await addOwn(options.wit, options.world, outDir, ours));
  await Deno.writeTextFile(
    join(outDir, "world.wit"),
    `package skerry:function;\n\nworld ${WORLD} {\n  ${items.join("\n  ")}\n}\n`,
  );
}

/**
 * WIT text without its worlds: they name packages that are not there.
 *
 * @example
 * ```ts
 * import { withoutWorlds } from "./wit.ts";
 *
 * const text = "package a:b;\ninterface i {}\nworld w {\n  import i;\n}\n";
 * console.assert(withoutWorlds(text) === "package a:b;\ninterface i {}\n\n");
 * ```
 */
export function withoutWorlds(text: string): string {
  const head = /^(?:@[^\n]*\n)*world\s[^{]*\{/m;
  for (let rest = text, kept = "";;) {
    const match = head.exec(rest);
    if (match === null) return kept + rest;
    let depth = 1;
    let end = match.index + match[0].length;
    for (; depth > 0 && end < rest.length; end++) {
      if (rest[end] === "{") depth++;
      else if (rest[end] === "}") depth--;
    }
    kept += rest.slice(0, match.index);
    rest = rest.slice(end);
  }
}

/** Copies the function's WIT among the dependencies. Returns the lines of the world that take it in. */
async function addOwn(
  wit: string,
  world: string | null,
  outDir: string,
  ours: ReadonlySet<string>,
): Promise<string[]> {
  const folder = join(outDir, "deps", "own");
  await Deno.mkdir(folder, { recursive: true });
  let text = "";
  for (const file of await witFiles(wit)) {
    const content = await Deno.readTextFile(file.path);
    text += `${uncommented(content)}\n`;
    await Deno.writeTextFile(join(folder, file.name), content);
  }
  const name = /^\s*package\s+([a-z0-9-]+:[a-z0-9-]+)(@[^\s;]+)?\s*;/m.exec(text);
  if (name === null) {
    throw failure(wit, "no file in it has a package; begin one with a line like package my:app@0.1.0;");
  }
  await copyDependencies(wit, join(outDir, "deps"), ours);
  const [, packageName, version = ""] = name;
  const worlds = declared(text, "world");
  if (world !== null && !worlds.includes(world)) {
    throw failure(wit, `there is no world "${world}" in it; there is ${worlds.join(", ") || "none"}`);
  }
  if (world === null && worlds.length > 1) {
    throw failure(
      wit,
      `it has the worlds ${worlds.join(" and ")}; say in function.json which one is meant, as "world"`,
    );
  }
  const taken = world ?? worlds[0];
  if (taken !== undefined) return [`include ${packageName}/${taken}${version};`];
  return declared(text, "interface").map((item) => `import ${packageName}/${item}${version};`);
}

/** The `.wit` files of one package. */
export async function witFiles(wit: string): Promise<{ name: string; path: string }[]> {
  if ((await Deno.stat(wit)).isFile) return [{ name: "package.wit", path: wit }];
  const files: { name: string; path: string }[] = [];
  for await (const entry of Deno.readDir(wit)) {
    if (entry.isFile && entry.name.endsWith(".wit")) files.push({ name: entry.name, path: join(wit, entry.name) });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The packages in `deps/`, but for those of WASI that are there already. */
async function copyDependencies(wit: string, to: string, ours: ReadonlySet<string>): Promise<void> {
  const deps = join(wit, "deps");
  const entries = await Array.fromAsync(Deno.readDir(deps)).catch(() => []);
  for (const entry of entries) {
    const files = await witFiles(join(deps, entry.name));
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file.path)));
    const name = /^\s*package\s+([^\s;]+)\s*;/m.exec(uncommented(texts.join("\n")))?.[1];
    if (name !== undefined && ours.has(name)) continue;
    const folder = join(to, `own-${entry.name.replace(/\.wit$/, "")}`);
    await Deno.mkdir(folder, { recursive: true });
    for (const [i, file] of files.entries()) {
      await Deno.writeTextFile(join(folder, file.name), texts[i]!);
    }
  }
}

function declared(text: string, keyword: string): string[] {
  return [...text.matchAll(new RegExp(`^\\s*${keyword}\\s+%?([a-z0-9-]+)\\s*\\{`, "gm"))].map(([, name]) => name!);
}

function uncommented(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
}

function failure(wit: string, what: string): SkerryError {
  return new SkerryError("build-failed", `reading the WIT in ${wit}: ${what}`);
}
