/**
 * Building functions from source, and remembering what was built.
 *
 * @module
 */
import { basename, dirname, join, relative, resolve } from "node:path";
import { SkerryError } from "../errors.ts";
import { BUILDS_KEPT_PER_SOURCE } from "../limits.ts";
import type { Backend } from "../manifest.ts";
import { mapFileOf } from "../stack/script.ts";
import { packageVersion } from "./_packages.ts";
import { componentize, type Componentized } from "./componentize.ts";
import { witFiles } from "./wit.ts";

/** A source to build. */
export interface BuildOptions {
  /** The function's name, by which it can be hurried. */
  readonly name?: string;
  /** The function's folder. */
  readonly dir: string;
  /** The source, relative to the folder: TypeScript or JavaScript. */
  readonly source: string;
  /** What makes a component of it: `starlingmonkey` for WASI 0.2 and `fetch` events, `quickjs` for WASI 0.3. */
  readonly backend?: Backend;
  /** A `.wit` file or folder, relative to the function's folder. */
  readonly wit?: string | null;
  /** The world in `wit`. */
  readonly world?: string | null;
  /** Where builds are kept. Default: `.skerry/build` in the working directory. */
  readonly cacheDir?: string;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Gives the build up. */
  readonly signal?: AbortSignal;
}

/** How a build goes, for the terminal. A build from the cache reports nothing. */
export interface BuildProgress {
  /** `queued` only if it has to wait for others. */
  readonly step: "queued" | "building" | "built" | "failed";
  /** The source, as the operator knows it. */
  readonly source: string;
  /** Since it is being built; the time in line does not count. */
  readonly ms: number;
}

/** A built function. */
export interface Built {
  /** The component's path. */
  readonly wasm: string;
  /** The source map from the bundle inside the component to the sources, beside it; `null` if there is none. */
  readonly map: string | null;
  readonly fromCache: boolean;
  /** Every file that went in, absolute. */
  readonly inputs: readonly string[];
}

/** What is remembered of a source: which files its last build read, and the last builds themselves, newest first. */
interface Memory {
  readonly inputs: readonly string[];
  readonly builds: readonly string[];
}

/** A build that began so long ago has ended, one way or another. */
const MAX_BUILD_AGE_MS = 3_600_000;

/** Goes up when the same inputs make another component for a reason in our own code. */
const BUILDER = 4;

/** Where what is known of a source is kept, and under what. */
async function placeOf(options: BuildOptions) {
  const dir = resolve(options.dir);
  const entry = resolve(dir, options.source);
  const backend = options.backend ?? "starlingmonkey";
  const wit = options.wit == null ? null : resolve(options.dir, options.wit);
  const world = options.world ?? null;
  const cacheDir = resolve(options.cacheDir ?? join(".skerry", "build"));
  const settings = JSON.stringify([BUILDER, toolVersions(backend), backend, world, basename(entry)]);
  const id = (await hash([settings, entry, String(wit)])).slice(0, 16);
  const memoryFile = join(cacheDir, `${basename(entry)}-${id}.json`);
  return { dir, entry, backend, wit, world, cacheDir, settings, memoryFile };
}

/** The component that the same inputs made before, if it is still kept. Builds nothing, and writes nothing. */
export async function findBuilt(options: BuildOptions): Promise<Built | undefined> {
  const { entry, cacheDir, settings, memoryFile } = await placeOf(options);
  const memory = await readMemory(memoryFile);
  if (memory === undefined) return undefined;
  const built = await find(cacheDir, await keyOf(settings, entry, memory.inputs));
  return built && { ...built, fromCache: true, inputs: memory.inputs };
}

/**
 * Builds a function, or takes the component that the same inputs made before. Never leaves half a build behind.
 *
 * @throws {SkerryError} `build-failed`, with file, line and cause.
 */
export async function buildFunction(options: BuildOptions): Promise<Built> {
  const { dir, entry, backend, wit, world, cacheDir, settings, memoryFile } = await placeOf(options);
  const shown = relative(Deno.cwd(), entry).startsWith("..") ? entry : relative(Deno.cwd(), entry);

  const memory = await readMemory(memoryFile);
  if (memory !== undefined) {
    const key = await keyOf(settings, entry, memory.inputs);
    const built = await find(cacheDir, key);
    if (built !== undefined) {
      await remember(cacheDir, memoryFile, memory, memory.inputs, key);
      return { ...built, fromCache: true, inputs: memory.inputs };
    }
  }

  let began = performance.now();
  const report = (step: BuildProgress["step"]) =>
    options.onProgress?.({ step, source: shown, ms: Math.round(performance.now() - began) });
  const line = {
    for: options.name,
    onQueued: () => report("queued"),
    onStart() {
      began = performance.now();
      report("building");
    },
  };
  const startedAt = Date.now();
  await sweep(cacheDir, startedAt);
  const workDir = join(cacheDir, `tmp-${crypto.randomUUID()}`);
  await Deno.mkdir(workDir, { recursive: true });
  try {
    const { signal } = options;
    const made = await componentize({ dir, entry, shown, backend, wit, world, workDir, line, signal });
    const inputs = [...new Set([...made.facts.inputs, ...await witInputs(wit)])].sort();
    const key = await keyOf(settings, entry, inputs);
    // An input that changed while it was read must not pass for the one that was built.
    const stale = await changedSince(inputs, startedAt);
    const built = await keep(cacheDir, stale ? `${key}-${crypto.randomUUID()}` : key, made);
    await remember(cacheDir, memoryFile, memory, inputs, basename(built.wasm, ".wasm"));
    report("built");
    return { ...built, fromCache: false, inputs };
  } catch (error) {
    report("failed");
    throw error instanceof SkerryError ? error : new SkerryError(
      "build-failed",
      `building ${shown}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  } finally {
    await Deno.remove(workDir, { recursive: true }).catch(() => {});
  }
}

/** Removes what builds left behind whose process was ended. */
async function sweep(cacheDir: string, now: number): Promise<void> {
  for (const { name } of await Array.fromAsync(Deno.readDir(cacheDir)).catch(() => [])) {
    if (!name.startsWith("tmp-")) continue;
    const path = join(cacheDir, name);
    const begun = await Deno.stat(path).then((info) => info.mtime?.getTime() ?? now, () => now);
    if (now - begun > MAX_BUILD_AGE_MS) await Deno.remove(path, { recursive: true }).catch(() => {});
  }
}

function toolVersions(backend: Backend): string[] {
  const tools = backend === "quickjs"
    ? ["@bytecodealliance/jco", "componentize-qjs", "rolldown"]
    : ["@bytecodealliance/jco", "@bytecodealliance/componentize-js", "rolldown"];
  return tools.map((name) => `${name}@${packageVersion(name)}`);
}

async function witInputs(wit: string | null): Promise<string[]> {
  if (wit === null) return [];
  const files = (await witFiles(wit)).map((file) => file.path);
  const deps = await Array.fromAsync(Deno.readDir(join(wit, "deps"))).catch(() => []);
  for (const entry of deps) files.push(...(await witFiles(join(wit, "deps", entry.name))).map((file) => file.path));
  return files;
}

/** A hash of all that makes a build what it is; paths count relative to the entry, so that a folder can move. */
async function keyOf(settings: string, entry: string, inputs: readonly string[]): Promise<string> {
  const parts = [settings];
  for (const input of inputs) {
    parts.push(relative(dirname(entry), input));
    parts.push(await Deno.readFile(input).then((bytes) => hash([bytes]), () => "missing"));
  }
  return (await hash(parts)).slice(0, 32);
}

async function changedSince(inputs: readonly string[], time: number): Promise<boolean> {
  for (const input of inputs) {
    const changed = await Deno.stat(input).then((info) => info.mtime?.getTime() ?? 0, () => Infinity);
    if (changed >= time) return true;
  }
  return false;
}

async function find(cacheDir: string, key: string): Promise<Pick<Built, "wasm" | "map"> | undefined> {
  const wasm = join(cacheDir, `${key}.wasm`);
  const map = mapFileOf(wasm);
  if (!(await exists(wasm))) return undefined;
  return { wasm, map: await exists(map) ? map : null };
}

/** Moves a build into the cache; the component last, for its presence says that the build is whole. */
async function keep(cacheDir: string, key: string, made: Componentized): Promise<Pick<Built, "wasm" | "map">> {
  if (made.facts.map !== null) await writeAtomically(mapFileOf(join(cacheDir, `${key}.wasm`)), made.facts.map);
  await Deno.rename(made.wasm, join(cacheDir, `${key}.wasm`));
  return (await find(cacheDir, key))!;
}

async function readMemory(path: string): Promise<Memory | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined; // Never built, or not readable: then it is built again.
  }
}

/** Notes the newest build of a source, and removes the ones that nobody will ask for again. */
async function remember(
  cacheDir: string,
  file: string,
  before: Memory | undefined,
  inputs: readonly string[],
  key: string,
): Promise<void> {
  if (before?.builds[0] === key) return;
  const builds = [key, ...before?.builds.filter((other) => other !== key) ?? []];
  await writeAtomically(file, JSON.stringify({ inputs, builds: builds.slice(0, BUILDS_KEPT_PER_SOURCE) }));
  for (const old of builds.slice(BUILDS_KEPT_PER_SOURCE)) {
    const wasm = join(cacheDir, `${old}.wasm`);
    for (const path of [wasm, mapFileOf(wasm)]) await Deno.remove(path).catch(() => {});
  }
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, path);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function hash(parts: readonly (string | Uint8Array)[]): Promise<string> {
  const text = parts.map((part) => typeof part === "string" ? JSON.stringify(part) : "").join();
  const bytes = parts.length === 1 && typeof parts[0] !== "string" ? parts[0] : new TextEncoder().encode(text);
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
