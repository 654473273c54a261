/**
 * Watching a folder of functions: which one changed, and what of it.
 *
 * @module
 */
import { basename, relative, resolve, sep } from "node:path";
import { MANIFEST_FILE } from "../manifest.ts";

/** What of a function changed. */
export type ChangeKind = "manifest" | "wasm" | "wit" | "source";

/** A function that changed. */
export interface FunctionChange {
  /** The name of its folder. */
  readonly folder: string;
  readonly kinds: ReadonlySet<ChangeKind>;
  /** The files that changed, absolute. */
  readonly paths: readonly string[];
}

export interface WatchOptions {
  /** How long it has to be quiet before a change is told, in milliseconds: editors write a file in several steps. */
  readonly quietMs?: number;
  /** The folders of the functions that use a file of another folder. */
  readonly usedBy?: (path: string) => readonly string[];
  /** Ends the watching. */
  readonly signal?: AbortSignal;
}

const DEFAULT_QUIET_MS = 40;

/** Longest wait for quiet, in milliseconds: a folder that changes all the time has to be told some time. */
const MAX_PATIENCE_MS = 500;

/**
 * Calls `onChange` for each function under `dir` that changed. Resolves when watching has ended.
 *
 * @throws {Deno.errors.NotFound} when there is no such folder.
 */
export async function watchFunctions(
  dir: string,
  onChange: (change: FunctionChange) => void,
  options: WatchOptions = {},
): Promise<void> {
  // Nothing is awaited before this: what changes after the call is told.
  const root = Deno.realPathSync(dir);
  const watcher = Deno.watchFs(root, { recursive: true });
  const pending = new Map<string, Pending>();
  const close = () => watcher.close();
  if (options.signal?.aborted) close();
  else options.signal?.addEventListener("abort", close, { once: true });
  try {
    for await (const event of watcher) {
      if (event.kind === "access") continue;
      for (const path of event.paths) {
        for (const folder of foldersOf(root, path, options.usedBy)) {
          note(pending, folder, path, onChange, options.quietMs ?? DEFAULT_QUIET_MS);
        }
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", close);
    for (const { timer } of pending.values()) clearTimeout(timer);
  }
}

interface Pending {
  readonly since: number;
  readonly paths: Set<string>;
  timer: ReturnType<typeof setTimeout>;
}

function note(
  pending: Map<string, Pending>,
  folder: string,
  path: string,
  onChange: (change: FunctionChange) => void,
  quietMs: number,
): void {
  const now = performance.now();
  const known = pending.get(folder);
  clearTimeout(known?.timer);
  const paths = known?.paths ?? new Set();
  paths.add(path);
  const since = known?.since ?? now;
  const tell = () => {
    pending.delete(folder);
    onChange({ folder, kinds: new Set([...paths].map((path) => changeKind(path))), paths: [...paths] });
  };
  const delay = Math.max(0, Math.min(quietMs, since + MAX_PATIENCE_MS - now));
  pending.set(folder, { since, paths, timer: setTimeout(tell, delay) });
}

/** The functions that a changed file belongs to. */
function foldersOf(root: string, path: string, usedBy?: (path: string) => readonly string[]): Set<string> {
  const inside = relative(root, resolve(path)).split(sep);
  const folders = new Set<string>();
  if (inside[0] === "" || inside.some(ignored)) return folders;
  // A file beside the folders belongs to none, but a folder that appears or goes is one.
  const isLooseFile = inside.length === 1 && basename(path).includes(".");
  if (!isLooseFile) folders.add(inside[0]!);
  for (const folder of usedBy?.(path) ?? []) folders.add(folder);
  return folders;
}

/** Editors' own files, and what nobody writes by hand. */
function ignored(name: string): boolean {
  return name.startsWith(".") || name.endsWith("~") || name === "node_modules" || name === "4913";
}

/**
 * What a file is to its function.
 *
 * @example
 * ```ts
 * import { changeKind } from "./watch.ts";
 *
 * console.assert(changeKind("hello/function.json") === "manifest");
 * console.assert(changeKind("hello/wit/world.wit") === "wit");
 * console.assert(changeKind("hello/lib/util.ts") === "source");
 * ```
 */
export function changeKind(path: string): ChangeKind {
  if (basename(path) === MANIFEST_FILE) return "manifest";
  if (path.endsWith(".wasm")) return "wasm";
  return path.endsWith(".wit") ? "wit" : "source";
}
