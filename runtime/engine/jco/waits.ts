/**
 * Which imports may make the guest wait.
 *
 * jco has to know when it generates code, for only a `Suspending` import can wait, and a `Suspending` import traps where
 * the guest cannot be suspended: in a start function, in `cabi_realloc`, in a destructor. So a function is on the list
 * only if it has to be.
 *
 * @module
 */
import { withoutVersion } from "../../component/semver.ts";

/** The functions of WASI 0.2 that wait; those of 0.3 are `async` by type and need no list. */
const WAITING: ReadonlySet<string> = new Set([
  "wasi:io/poll#poll",
  // What a release candidate of 0.2 had in its place.
  "wasi:io/poll#poll-list",
  "wasi:io/poll#poll-one",
  "wasi:io/poll#[method]pollable.block",
  "wasi:io/streams#[method]input-stream.blocking-read",
  "wasi:io/streams#[method]input-stream.blocking-skip",
  "wasi:io/streams#[method]output-stream.blocking-flush",
  "wasi:io/streams#[method]output-stream.blocking-write-and-flush",
  "wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush",
  "wasi:io/streams#[method]output-stream.blocking-splice",
]);

/** Packages whose other functions answer at once, always. */
const PROMPT_PACKAGES: ReadonlySet<string> = new Set([
  "skerry:http",
  "wasi:cli",
  "wasi:clocks",
  "wasi:config",
  "wasi:filesystem",
  "wasi:http",
  "wasi:io",
  "wasi:logging",
  "wasi:random",
  "wasi:sockets",
]);

/**
 * Whether a function that a component imports may wait.
 *
 * @example
 * ```ts
 * import { importMayWait } from "./waits.ts";
 *
 * console.assert(importMayWait("wasi:io/poll@0.2.3", "poll"));
 * console.assert(!importMayWait("wasi:random/random@0.2.3", "get-random-u64"));
 * console.assert(importMayWait("my:app/queue", "[method]queue.pop"));
 * ```
 */
export function importMayWait(interfaceName: string, witName: string): boolean {
  // `new` cannot wait in JavaScript.
  if (witName.startsWith("[constructor]")) return false;
  const base = withoutVersion(interfaceName);
  const packageName = base.slice(0, base.indexOf("/"));
  if (PROMPT_PACKAGES.has(packageName)) return WAITING.has(`${base}#${witName}`);
  return true;
}
