/**
 * Rewritten modules in a folder, so that a server which starts again need not rewrite them: for a component of 14 MB that
 * takes half a second.
 *
 * A file's name is the hash of all that goes into it: the component, what is built into its modules, and the code that
 * rewrites them. So nothing in the folder is ever stale; what is not found there is made.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex } from "../../component/reader.ts";
import type { Preparation, PreparedCode } from "./load.ts";
import type { Restoring } from "./restorable.ts";
import type { Slack } from "./slack.ts";

/** Where rewritten modules are kept. */
export interface CodeCacheOptions {
  readonly folder: string;
  /** Only take what is there. */
  readonly readOnly: boolean;
}

/** More bytes than this are not kept in a folder that is written to: of what a developer has replaced the oldest goes. */
export const MAX_KEPT_BYTES = 512 * 1024 * 1024;

const SUFFIX = ".modules";
const MAGIC = 0x736b_7931;
const HEAD_BYTES = 12;

/** The code that decides what is in a file: whoever changes it must not meet what it made before. */
const REWRITERS = ["./", "../meter/", "../", "../../component/"];

/** A module: its bytes follow, or stand in the component. */
interface ModuleEntry {
  readonly length: number;
  readonly from?: number;
}

/** The head of a file, as JSON. */
interface Head {
  readonly modules: readonly ModuleEntry[];
  readonly allocates: boolean;
  readonly restoring: (Omit<Restoring, "slack"> & { readonly slack: readonly (readonly [number, Slack])[] }) | null;
}

/** The folder with rewritten modules. */
export class CodeCache {
  readonly #options: CodeCacheOptions;
  /** Worked out at once: a server that starts has time, and its first request has not. */
  readonly #version: Promise<string | undefined> = versionOfRewriters().catch(() => undefined);

  constructor(options: CodeCacheOptions) {
    this.#options = options;
  }

  /** What is kept of a component, or what `make` makes of it, which is kept from now on. */
  async get(
    bytes: Uint8Array<ArrayBuffer>,
    preparation: Preparation,
    make: () => PreparedCode,
  ): Promise<PreparedCode> {
    const version = await this.#version;
    if (version === undefined) return make();
    const path = join(this.#options.folder, `${await keyOf(bytes, preparation, version)}${SUFFIX}`);
    const kept = await read(path, bytes);
    if (kept !== undefined) return kept;
    const made = make();
    // A folder that cannot be written to makes the next start slower, and this one no worse.
    if (!this.#options.readOnly) await this.#keep(path, encode(made, bytes)).catch(() => {});
    return made;
  }

  async #keep(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const { folder } = this.#options;
    await Deno.mkdir(folder, { recursive: true });
    // Renamed when it is whole: another process may look for it, and this one may be ended at any time.
    const draft = `${path}.${crypto.randomUUID()}`;
    try {
      using file = await Deno.open(draft, { write: true, createNew: true });
      for (const part of parts) {
        for (let done = 0; done < part.length;) done += await file.write(part.subarray(done));
      }
    } catch (error) {
      await Deno.remove(draft).catch(() => {});
      throw error;
    }
    await Deno.rename(draft, path);
    await prune(folder, path);
  }
}

/** Hashes the rewriters' sources; `undefined` where they are not files, so that nothing can be known of their version. */
async function versionOfRewriters(): Promise<string | undefined> {
  if (!import.meta.url.startsWith("file:")) return undefined;
  const texts: string[] = [];
  for (const relative of REWRITERS) {
    const folder = fileURLToPath(new URL(relative, import.meta.url));
    const names: string[] = [];
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (isFile && name.endsWith(".ts") && !name.endsWith("_test.ts")) names.push(name);
    }
    for (const name of names.sort()) texts.push(name, Deno.readTextFileSync(join(folder, name)));
  }
  return await hash(new TextEncoder().encode(JSON.stringify(texts)));
}

async function keyOf(bytes: Uint8Array<ArrayBuffer>, preparation: Preparation, version: string): Promise<string> {
  const { left, limits, restore } = preparation;
  const built = [restore, left ?? null, limits?.memoryMb ?? null, limits?.tableElements ?? null];
  return await hash(new TextEncoder().encode(JSON.stringify([version, await hash(bytes), built])));
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), hex).join("");
}

function encode(code: PreparedCode, bytes: Uint8Array<ArrayBuffer>): Uint8Array[] {
  const { allocates, modules, restoring } = code;
  const own = modules.filter((module) => module.buffer !== bytes.buffer);
  const head: Head = {
    allocates,
    modules: modules.map(({ buffer, byteOffset, length }) =>
      buffer === bytes.buffer ? { length, from: byteOffset - bytes.byteOffset } : { length }
    ),
    restoring: restoring === undefined ? null : { ...restoring, slack: [...restoring.slack] },
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const first = new Uint8Array(HEAD_BYTES);
  const view = new DataView(first.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, json.length);
  view.setUint32(8, own.reduce((sum, { length }) => sum + length, 0));
  return [first, json, ...own];
}

/** Nothing if it cannot be read, or is not whole: then it is made, and written again. */
async function read(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<PreparedCode | undefined> {
  const file = await Deno.readFile(path).catch(() => undefined);
  if (file === undefined || file.length < HEAD_BYTES) return undefined;
  const view = new DataView(file.buffer);
  const jsonEnd = HEAD_BYTES + view.getUint32(4);
  if (view.getUint32(0) !== MAGIC || jsonEnd + view.getUint32(8) !== file.length) return undefined;
  const { allocates, modules, restoring }: Head = JSON.parse(
    new TextDecoder().decode(file.subarray(HEAD_BYTES, jsonEnd)),
  );
  let at = jsonEnd;
  return {
    allocates,
    restoring: restoring === null ? undefined : { ...restoring, slack: new Map(restoring.slack) },
    modules: modules.map(({ from, length }) => {
      if (from !== undefined) return bytes.subarray(from, from + length);
      at += length;
      return file.subarray(at - length, at);
    }),
  };
}

/** Removes the oldest files beyond {@linkcode MAX_KEPT_BYTES}, but not the one that has just been written. */
async function prune(folder: string, newest: string): Promise<void> {
  const files: { path: string; size: number; at: number }[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    const info = await Deno.stat(path).catch(() => undefined);
    if (info !== undefined && path !== newest) files.push({ path, size: info.size, at: info.mtime?.getTime() ?? 0 });
  }
  files.sort((a, b) => b.at - a.at);
  let kept = 0;
  for (const { path, size } of files) {
    kept += size;
    if (kept > MAX_KEPT_BYTES) await Deno.remove(path).catch(() => {});
  }
}
