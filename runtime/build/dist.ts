/**
 * A folder with everything that serving needs: nothing in it is built, transpiled or written any more.
 *
 * @module
 */
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createNativeEngine } from "../engine/native/mod.ts";
import { transpile } from "../engine/jco/transpile.ts";
import { SkerryError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { mapFileOf } from "../stack/script.ts";
import { type Dist, distLayout } from "./layout.ts";

/** A function that is built and goes into the folder. */
export interface DistFunction {
  /** The name of its folder. */
  readonly folder: string;
  /** Its `function.json` as it was written. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Its component. */
  readonly wasm: string;
  /** The source map of its component, if it has one. */
  readonly map?: string | null;
  /** What its grants name in its folder, and where that is. */
  readonly granted?: { readonly directory: string; readonly paths: readonly string[] };
}

export interface DistOptions {
  /** Where generated code is kept between runs. Default: `.skerry/jco`. */
  readonly cacheDir?: string;
  /** Which components to transpile for jco: `all`, or those that the native engine does not support. Default: `needed`. */
  readonly jco?: "all" | "needed";
}

/** Keys of a manifest that only building needs. */
const BUILD_KEYS = ["backend", "wit", "world", "$schema"];

/**
 * Fills `outDir` with manifests, components, and the code that the engines run. What was there before is replaced as
 * a whole, at the end: a failure leaves it as it was.
 *
 * @throws {SkerryError} `component-malformed` or `component-unsupported`.
 */
export async function buildDist(
  functions: readonly DistFunction[],
  outDir: string,
  options: DistOptions = {},
): Promise<Dist> {
  const draft = `${resolve(outDir)}.${crypto.randomUUID()}`;
  const cacheDir = pathToFileURL(`${resolve(options.cacheDir ?? join(".skerry", "jco"))}/`);
  try {
    const { components, jco, native } = distLayout(draft);
    await Deno.mkdir(components, { recursive: true });
    await Deno.mkdir(jco, { recursive: true });
    for (const item of functions) {
      const folder = join(components, item.folder);
      await Deno.mkdir(folder);
      for (const path of item.granted?.paths ?? []) {
        await copyTree(join(item.granted!.directory, path), join(folder, path));
      }
      const bytes = await Deno.readFile(item.wasm);
      const wasm = `${basename(item.folder)}.wasm`;
      await Deno.writeFile(join(folder, wasm), bytes);
      if (item.map != null) await Deno.copyFile(item.map, mapFileOf(join(folder, wasm)));
      await Deno.writeTextFile(
        join(folder, MANIFEST_FILE),
        `${JSON.stringify(served(item.manifest, wasm), null, 2)}\n`,
      );
      if (options.jco !== "all" && await prepareNative(bytes, item, native)) continue;
      const { dir } = await transpile(bytes, item.folder, { cacheDir, readOnly: false });
      await copyFolder(dir, pathToFileURL(`${join(jco, basename(dir.pathname))}/`));
    }
    await replace(resolve(outDir), draft);
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    throw error;
  }
  return distLayout(outDir);
}

/** Rewrites a component's modules for the native engine; answers whether that supports it. */
async function prepareNative(
  bytes: Uint8Array<ArrayBuffer>,
  { folder, manifest }: DistFunction,
  cacheDir: string,
): Promise<boolean> {
  try {
    const limits = { ...DEFAULT_LIMITS, ...manifest.limits as Partial<typeof DEFAULT_LIMITS> | undefined };
    await createNativeEngine({ cacheDir }).load(bytes, { name: folder, limits });
    return true;
  } catch (error) {
    if (error instanceof SkerryError && error.code === "component-unsupported") return false;
    throw error;
  }
}

/** The manifest of the built function: its source is the component beside it. */
function served(manifest: Readonly<Record<string, unknown>>, wasm: string): Record<string, unknown> {
  const rest = Object.entries(manifest).filter(([key]) => !BUILD_KEYS.includes(key));
  return { ...Object.fromEntries(rest), source: wasm };
}

async function copyFolder(from: URL, to: URL): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    await Deno.copyFile(new URL(entry.name, from), new URL(entry.name, to));
  }
}

/** Copies a file or folder. Links stay links: those that are absolute become relative, for what they lead to moves along. */
async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  const info = await Deno.lstat(from);
  if (info.isDirectory) {
    await Deno.mkdir(to, { recursive: true });
    for await (const { name } of Deno.readDir(from)) await copyTree(join(from, name), join(to, name));
  } else if (info.isSymlink) {
    const target = await Deno.readLink(from);
    await Deno.symlink(isAbsolute(target) ? relative(dirname(from), await Deno.realPath(from)) : target, to);
  } else await Deno.copyFile(from, to);
}

async function replace(outDir: string, draft: string): Promise<void> {
  const old = `${outDir}.${crypto.randomUUID()}`;
  const wasThere = await Deno.rename(outDir, old).then(() => true, () => false);
  await Deno.rename(draft, outDir);
  if (wasThere) await Deno.remove(old, { recursive: true });
}
