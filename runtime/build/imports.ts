/**
 * The WIT of what a source imports by name, such as `wasi:keyvalue/store@0.2.0-draft2`: whoever wrote the source need not
 * bring the texts of Skerry's own capabilities, nor a world with them.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suggest } from "../manifest/suggest.ts";

/** `wasi:keyvalue/store@0.2.0-draft2`, in its parts. */
const INTERFACE = /^([a-z][a-z0-9-]*:[a-z][a-z0-9-]*)\/([a-z][a-z0-9-]*)(?:@(.+))?$/;

const CAPABILITIES = fileURLToPath(new URL("../capabilities", import.meta.url));

/** A package text, and what is in it. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly interfaces: readonly string[];
  readonly text: string;
}

/**
 * Adds to a world what a source imports and the world does not, from the packages beside it and those of the built-in
 * capabilities.
 *
 * @param wit The folder with `world.wit` and `deps/`.
 * @param imports What the source imports.
 * @returns what nobody knows, in words: `no WIT has my:app/kv`.
 */
export async function importBySource(wit: string, imports: readonly string[]): Promise<string[]> {
  const file = join(wit, "world.wit");
  let world = await Deno.readTextFile(file);
  const missing = imports.filter((id) => INTERFACE.test(id) && !world.includes(`import ${id};`));
  if (missing.length === 0) return [];
  const deps = join(wit, "deps");
  const there = await packagesBelow(deps);
  const builtin = await packagesBelow(CAPABILITIES, "wit");
  const unknown: string[] = [];
  for (const id of missing) {
    const [, name, item, version = ""] = INTERFACE.exec(id)!;
    const isIt = (one: Package) => one.name === name && one.version === version;
    const known = there.filter(isIt);
    if (!known.some(({ interfaces }) => interfaces.includes(item!))) {
      const found = builtin.find((one) => isIt(one) && one.interfaces.includes(item!));
      // A package that the function brings is its own, whatever is in it.
      if (found === undefined || known.some((one) => !builtin.includes(one))) {
        unknown.push(unknownImport(id, name!, item!, [...there, ...builtin]));
        continue;
      }
      there.push(found);
      await write(deps, found, there);
    }
    world = world.replace(/\}\s*$/, `  import ${id};\n}\n`);
  }
  await Deno.writeTextFile(file, world);
  return unknown;
}

/** Writes a package's text among those that a world may name, at the version of WASI that is there. */
async function write(deps: string, found: Package, there: readonly Package[]): Promise<void> {
  const folder = join(deps, `skerry-${found.name.replace(":", "-")}`);
  await Deno.mkdir(folder, { recursive: true });
  const io = there.find(({ name }) => name === "wasi:io")?.version;
  const text = io === undefined ? found.text : found.text.replace(/(use wasi:io\/[a-z]+@)[\d.]+(?=\.\{)/g, `$1${io}`);
  // Several texts may be parts of one package.
  await Deno.writeTextFile(join(folder, `${found.interfaces.join("-")}.wit`), text);
}

function unknownImport(id: string, name: string, item: string, known: readonly Package[]): string {
  const others = known.filter((one) => one.name === name && one.interfaces.includes(item));
  const versions = [...new Set(others.map(({ version }) => `"${name}/${item}${version && `@${version}`}"`))];
  if (versions.length > 0) return `it imports "${id}"; write ${versions.join(" or ")}`;
  const ids = known.flatMap(({ name, version, interfaces }) =>
    interfaces.map((item) => `${name}/${item}${version && `@${version}`}`)
  );
  const near = nearest(id, ids);
  return `it imports "${id}", which no WIT here has; ` +
    (near === undefined ? "" : `write ${JSON.stringify(near)}, or `) +
    'give a file with it as "wit" in function.json';
}

/** The interface that was most likely meant: a version that is wrong too makes no name another. */
function nearest(id: string, known: readonly string[]): string | undefined {
  const bare = (name: string) => name.replace(/@.*/, "");
  const near = suggest(bare(id), known.map(bare));
  return known.find((name) => bare(name) === near);
}

/** The packages in the folders of a folder, or in `inner` of each. */
async function packagesBelow(folder: string, inner = ""): Promise<Package[]> {
  const found: Package[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const files = await Array.fromAsync(Deno.readDir(join(folder, name, inner))).catch(() => []);
    const texts = files.filter((file) => file.name.endsWith(".wit")).sort((a, b) => a.name < b.name ? -1 : 1)
      .map((file) => Deno.readTextFileSync(join(folder, name, inner, file.name)));
    let own: readonly [string, string] | undefined;
    const read = texts.map((text) => {
      const plain = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
      const [, name, version = ""] = /^\s*package\s+([^\s;@]+)(?:@([^\s;]+))?\s*;/m.exec(plain) ?? [];
      if (name !== undefined) own ??= [name, version];
      const interfaces = [...plain.matchAll(/^\s*interface\s+%?([a-z0-9-]+)\s*\{/gm)].map((match) => match[1]!);
      return { name, version, interfaces, text };
    });
    for (const { name, version, interfaces, text } of read) {
      // Only one file of a package has to name it.
      const [packageName, packageVersion] = name === undefined ? own ?? ["", ""] : [name, version];
      found.push({ name: packageName, version: packageVersion, interfaces, text });
    }
  }
  return found;
}
