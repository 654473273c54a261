/**
 * Rewritten modules in a folder, so that a server which starts again need not rewrite them: for a component of 14 MB that
 * takes half a second.
 *
 * A file's name is the hash of all that goes into it: the component, what is built into its modules, and the code that
 * rewrites them. So nothing in the folder is ever stale; what is not found there is made. The data of core modules goes
 * into neither: rewriting leaves it as it is. So functions in JavaScript, which are one engine with other data, share a
 * file, and one that a developer has changed finds its own.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex, Reader } from "../../component/reader.ts";
import { Writer } from "../writer.ts";
import type { Preparation, PreparedCode } from "./load.ts";
import type { Plan } from "./plan.ts";
import type { ModuleState } from "./restorable.ts";
import { type ActiveData, activeData, type Slack } from "./slack.ts";
import { MAX_RANGE_CODE_BYTES } from "./tracking.ts";

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
/** The id of data sections, and the most that it and a size take. */
const DATA = 11, MAX_HEADER_BYTES = 6;
const WASM_PAGE_BYTES = 65_536;

/** The code that decides what is in a file: whoever changes it must not meet what it made before. */
const REWRITERS = ["./", "../meter/", "../", "../../component/"];

/** A module: its bytes follow, or stand in the component. */
interface ModuleEntry {
  /** Nothing if it is as it stands in the component. */
  readonly length?: number;
  /** Where the data section of the original goes. */
  readonly data?: number;
}

/** The head of a file, as JSON. */
interface Head {
  readonly modules: readonly ModuleEntry[];
  readonly allocates: boolean;
  readonly restoring: {
    readonly startsOnce: boolean;
    /** Without what depends on data. */
    readonly states: readonly Omit<ModuleState, "data">[];
    readonly slack: readonly (readonly [number, Slack])[];
  } | null;
}

/** A component whose modules are rewritten. */
interface Subject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly plan: Pick<Plan, "modules">;
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
    subject: Subject,
    preparation: Preparation,
    make: () => PreparedCode | Promise<PreparedCode>,
  ): Promise<PreparedCode> {
    const version = await this.#version;
    if (version === undefined) return await make();
    const key = await keyOf(subject, preparation, version).catch(() => undefined);
    // It cannot be read: whoever makes it says why.
    if (key === undefined) return await make();
    const path = join(this.#options.folder, `${key}${SUFFIX}`);
    const kept = await read(path, subject);
    if (kept !== undefined) return kept;
    const made = await make();
    // A folder that cannot be written to makes the next start slower, and this one no worse.
    if (!this.#options.readOnly) await this.#keep(path, encode(made, subject)).catch(() => {});
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

async function keyOf(subject: Subject, preparation: Preparation, version: string): Promise<string> {
  const { left, limits, rangeCodeBytes, restore } = preparation;
  const built = [
    restore,
    left ?? null,
    limits?.memoryMb ?? null,
    limits?.tableElements ?? null,
    rangeCodeBytes ?? MAX_RANGE_CODE_BYTES,
  ];
  const { modules, rest } = withoutData(subject);
  const head = new TextEncoder().encode(JSON.stringify([version, modules, built]));
  // One digest: each is another thread's work, for which a first request waits. What is JSON ends where it ends.
  const all = new Uint8Array(head.length + rest.length);
  all.set(head);
  all.set(rest, head.length);
  return await hash(all);
}

/**
 * A component without its modules' data; where the modules are in what is left; and all that rewriting asks of the data: up
 * to which page it goes.
 */
function withoutData({ bytes, plan }: Subject): { readonly rest: Uint8Array; readonly modules: unknown } {
  const left: (readonly [start: number, end: number])[] = [];
  for (const { shape, start } of plan.modules) {
    const data = shape.sections.get(DATA);
    if (data === undefined) continue;
    // What has data in it has another size with other data.
    left.push([sizeAt(bytes, start), start], [sizeAt(bytes, data.start), data.end]);
  }
  left.sort(([a], [b]) => a - b);
  const rest = new Uint8Array(bytes.length);
  let length = 0;
  let from = 0;
  for (const [start, end] of [...left, [bytes.length, bytes.length] as const]) {
    rest.set(bytes.subarray(from, start), length);
    length += start - from;
    from = end;
  }
  const place = (at: number) => left.reduce((sum, [start, end]) => end <= at ? sum - (end - start) : sum, at);
  const modules = plan.modules.map((module) => {
    const segments = activeData({ bytes, plan: module });
    const page = segments === undefined ? null : Math.ceil(dataEnd(segments) / WASM_PAGE_BYTES);
    return [place(module.start), place(module.end), page];
  });
  return { rest: rest.subarray(0, length), modules };
}

/** Where the size of a section stands whose contents begin at `start`: behind an id, which has no continuation bit. */
function sizeAt(bytes: Uint8Array, start: number): number {
  let at = start - 1;
  while (bytes[at - 1]! >= 0x80) at--;
  return at;
}

function dataEnd(segments: readonly ActiveData[]): number {
  let end = 0;
  for (const { at, length } of segments) end = Math.max(end, at + length);
  return end;
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), hex).join("");
}

function encode({ allocates, modules, restoring }: PreparedCode, { bytes }: Subject): Uint8Array[] {
  const own: Uint8Array[] = [];
  const entries = modules.map((module): ModuleEntry => {
    if (module.buffer === bytes.buffer) return {};
    const data = dataSection(module);
    if (data === undefined) {
      own.push(module);
      return { length: module.length };
    }
    own.push(module.subarray(0, data.start), module.subarray(data.end));
    return { length: module.length - (data.end - data.start), data: data.start };
  });
  const head: Head = {
    allocates,
    modules: entries,
    restoring: restoring === undefined ? null : {
      startsOnce: restoring.startsOnce,
      states: restoring.states.map(({ globals, memories, tracked }) => ({ globals, memories, tracked })),
      slack: [...restoring.slack],
    },
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const first = new Uint8Array(HEAD_BYTES);
  const view = new DataView(first.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, json.length);
  view.setUint32(8, own.reduce((sum, { length }) => sum + length, 0));
  return [first, json, ...own];
}

/** Which part of a module is its data section. */
function dataSection(module: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  const r = new Reader(module, "module", 8);
  while (!r.done) {
    const start = r.pos;
    const id = r.u8();
    r.take(r.u32(), "section");
    if (id === DATA) return { start, end: r.pos };
  }
  return undefined;
}

/** Nothing if it cannot be read, or is not whole: then it is made, and written again. */
async function read(path: string, subject: Subject): Promise<PreparedCode | undefined> {
  const file = await Deno.readFile(path).catch(() => undefined);
  if (file === undefined || file.length < HEAD_BYTES) return undefined;
  const view = new DataView(file.buffer);
  const jsonEnd = HEAD_BYTES + view.getUint32(4);
  if (view.getUint32(0) !== MAGIC || jsonEnd + view.getUint32(8) !== file.length) return undefined;
  const { allocates, modules, restoring }: Head = JSON.parse(
    new TextDecoder().decode(file.subarray(HEAD_BYTES, jsonEnd)),
  );
  const { bytes, plan } = subject;
  let at = jsonEnd;
  return {
    allocates,
    restoring: restoring === null ? undefined : {
      startsOnce: restoring.startsOnce,
      states: restoring.states.map((state, i) => ({ ...state, data: activeData({ bytes, plan: plan.modules[i]! }) })),
      slack: new Map(restoring.slack),
    },
    modules: modules.map((entry, i) => {
      const { end, shape, start } = plan.modules[i]!;
      if (entry.length === undefined) return bytes.subarray(start, end);
      at += entry.length;
      const kept = file.subarray(at - entry.length, at);
      if (entry.data === undefined) return kept;
      const data = shape.sections.get(DATA)!;
      const out = new Writer(kept.length + data.end - data.start + MAX_HEADER_BYTES);
      out.raw(kept.subarray(0, entry.data));
      out.u8(DATA);
      out.u32(data.end - data.start);
      out.raw(bytes.subarray(data.start, data.end));
      out.raw(kept.subarray(entry.data));
      return out.bytes;
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
