/**
 * Functions on disk: their folders, and what can be checked only there.
 *
 * @module
 */
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { SkerryError } from "../errors.ts";
import { type Manifest, MANIFEST_FILE, ManifestError, manifestProblem, parseManifest } from "../manifest.ts";
import type { GrantSchemas } from "./grants.ts";
import type { KeyPath } from "./json_source.ts";
import { oneOf, suggest } from "./suggest.ts";

/** A function on disk, its manifest read and checked. */
export interface FunctionFolder {
  readonly manifest: Manifest;
  /** Absolute. */
  readonly directory: string;
  /** The manifest's file, as messages name it. */
  readonly file: string;
  /** The error for a mistake at `path` of the manifest that others find out, such as a route that is taken. */
  mistake(path: KeyPath, message: string): ManifestError;
}

/**
 * The names of the subfolders of `directory` that hold a manifest, sorted; also of those where it has the wrong name, which
 * are broken functions.
 *
 * @throws {SkerryError} `manifest-invalid`, when there is no such folder.
 */
export async function listFolders(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const folder = join(directory, entry.name);
      if (await isFile(join(folder, MANIFEST_FILE)) || (await misnamed(folder)) !== undefined) names.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    throw new SkerryError(
      "manifest-invalid",
      `reading the functions in ${
        shownPath(directory)
      }: there is no such folder. Make it, with a folder for each function.`,
      { cause: error },
    );
  }
  return names.sort();
}

/**
 * Reads the manifest of the function in `directory`, and looks whether the files that it names are there.
 *
 * @throws {ManifestError}
 */
export async function readFunction(directory: string, grants: GrantSchemas): Promise<FunctionFolder> {
  const file = shownPath(join(directory, MANIFEST_FILE));
  const text = await readManifest(join(directory, MANIFEST_FILE), file);
  const manifest = parseManifest(text, { file, grants });
  const mistake = (path: KeyPath, message: string) => manifestProblem(file, text, path, message);
  const { source } = manifest;
  if (!(await isFile(join(directory, source.path)))) {
    throw mistake(["source"], await missing(directory, source.path));
  }
  if (source.kind === "script" && source.wit !== null && !(await exists(join(directory, source.wit)))) {
    throw mistake(["wit"], `there is no ${source.wit} in ${shownPath(directory)}; write the name of one that is there`);
  }
  return { manifest, directory: resolve(directory), file, mistake };
}

/** A path as messages show it: from here if it lies below, otherwise absolute. */
export function shownPath(path: string): string {
  const absolute = resolve(path);
  const fromHere = relative(Deno.cwd(), absolute);
  return fromHere === "" || fromHere.startsWith("..") || isAbsolute(fromHere)
    ? absolute
    : fromHere.replaceAll("\\", "/");
}

/** A file in a folder that was to be its manifest, but for its name; a folder without either is no function. */
async function misnamed(folder: string): Promise<string | undefined> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (/^functions?\.(?:jsonc?|json5|ya?ml|toml)$/i.test(name)) return name;
    }
  } catch {
    // A file, or not to be read: it is passed over.
  }
  return undefined;
}

async function readManifest(path: string, file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    const name = error instanceof Deno.errors.NotFound ? await misnamed(dirname(path)) : undefined;
    if (name !== undefined) throw wholeFile(file, `is missing; rename ${name}, which is JSON then`);
    if (await isFolder(path)) throw wholeFile(file, "is a folder; put a file of this name in its place");
    throw wholeFile(file, `cannot be read: ${error instanceof Error ? error.message : error}; look at its permissions`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wholeFile(file, "is not UTF-8; save it as UTF-8");
  }
}

const wholeFile = (file: string, message: string) =>
  new ManifestError(file, [{ line: 1, column: 1, key: "", message }]);

async function missing(directory: string, path: string): Promise<string> {
  const there: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isFile && /\.(?:wasm|m?[tj]s)$/.test(entry.name) && !/\.d\.m?ts$/.test(entry.name)) {
      there.push(entry.name);
    }
  }
  const isOther = await isFolder(join(directory, path));
  const what = isOther ? `${path} is a folder, not a file` : `there is no ${path} in ${shownPath(directory)}`;
  if (there.length === 0) return `${what}; put one there`;
  const near = suggest(path, there);
  return `${what}; write ${near === undefined ? oneOf(there.sort()) : JSON.stringify(near)}`;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path))?.isFile ?? false;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path))?.isDirectory ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path)) !== undefined;
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
