/**
 * Hooks in the code that jco generates.
 *
 * The generated code calls host functions directly, keeps host resources in tables of its own, and sets timers. An
 * isolate has to count the first, drop the second and stop the third, and the code has no seams for that. So a few
 * places in its text, the same in every generated file, are replaced before the text is first imported. jco's version is
 * pinned; a text that does not have the expected shape is refused.
 *
 * @module
 */
import { withoutVersion } from "../../component/semver.ts";
import { SkerryError } from "../../errors.ts";
import { patchTaken } from "./patch_taken.ts";
import type { Taking } from "./taken.ts";

/** The import under which generated code finds its isolate's {@linkcode Hooks}. */
export const HOOKS_IMPORT = "skerry:isolate";

/** What patched code calls. */
export interface Hooks {
  /**
   * Runs a host operation in the isolate's task. `name` is that of a host call, `wasi:io/poll#poll`; other operations,
   * such as reading a host stream, have none. Throws when the isolate is over.
   */
  run<T>(operation: () => T, name?: string): T;
  /** Drops a host resource that the guest has dropped. */
  drop(resource: object): void;
  /** Takes a task of an exported function, which may outlive the call. */
  guestTask(task: GuestTask): void;
  /** Hears what the guest takes of the host's memory. */
  readonly taken: Taking;
  /** Takes what reads a stream of the host for the guest. Answers it. */
  reads(read: StreamReader): StreamReader;
  /** What a core instance exports, as generated code may call it. */
  core(value: WebAssembly.ExportValue, name: string): WebAssembly.ExportValue;
  /** Takes a table of handles, and where the host resources behind it are kept. */
  own(handles: HandleTable, resources: Map<number, object>): void;
  readonly WebAssembly: typeof WebAssembly;
  /** jco's record of which task runs in which component, for whom lets others run in between. */
  readonly taskMeta: Record<string, unknown>;
  /** jco's count of what it waits for, by which it tells a deadlock. */
  readonly asyncState: { deadlockCheck: unknown; pendingHostOperations: number };
  setTimeout(callback: () => void, delay?: number): void;
  setInterval(callback: () => void, delay?: number): unknown;
  clearInterval(interval: unknown): void;
  queueMicrotask(callback: () => void): void;
  /** Called when an event is there that the guest may wait for. */
  wake(): void;
}

/** jco's record of a running export. */
export interface GuestTask {
  /** Resolves when the guest has returned to the last. */
  exitPromise(): Promise<void>;
  /** Settles with the result, or rejects with what kept it from coming. */
  completionPromise(): Promise<unknown>;
  isRejected(): boolean;
  /** Why it is rejected. */
  failure?: unknown;
}

/** How jco reads a stream of the host. */
export interface StreamReader {
  (): Promise<unknown>;
  /** Ends the stream. */
  drop(): unknown;
}

/** jco's handle table: pairs of scope and representation, with flags in bit 30; the first pair is the free list. */
export type HandleTable = number[];

const HEAD = "export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {";
const TRACK = "const result = operation();";
const DEBUG_LOG =
  /const _debugLog = \(\.\.\.args\) => \{\s*if \(!globalThis\?\.process\?\.env\?\.JCO_DEBUG\) \{ return; \}\s*console\.debug\(\.\.\.args\);\s*\};/;
const CALL =
  /\[iface="([^"]*)", function="([^"]*)"\] \[Instruction::CallInterface\] \((?:a?sync), @ enter\)|fn: \(\) => _trackHostOperation\((?=\(\) => )/g;
const HOST_FAILED =
  /(\[Instruction::CallInterface\] error during async call'[^]*?task\.exit\(\);\s*)return task\.completionPromise\(\);/g;
const CREATES_HANDLE = /(captureTable\d+)\.set\(rep, \w+\);\s*\w+ ?= rscTableCreateOwn\((handleTable\d+), rep\)/g;
const DROPS_HANDLE =
  /rscTableRemove\((handleTable\d+), handle\);\s*if \(handleEntry\.own\) \{\s*const rsc = (captureTable\d+)\.get/g;
const DROPS = /if \(rsc\[symbolDispose\]\) rsc\[symbolDispose\]\(\);/g;
const GUEST_TASK = /^( *)task\.setCalleeIsAsync\(true\);$/gm;
const TASK_FAILS = "reject(taskErr) {";
/** How a resource is lifted out of a parameter, stream or future: its table's index is given beside the code. */
const LIFTS_OWN =
  /tableIdx: (\d+),\s*classNameFn: [^\n]*\s*createResourceFn:\s*\(handle\) => \{[\s\S]*?return resourceObj;/g;
const TASK_META = "const CURRENT_TASK_META = {};";
const ASYNC_STATE = "const STORE_ASYNC_STATE = { deadlockCheck: null, pendingHostOperations: 0 };";
const READS = /(function _genReadFnFromLowerableStream\(stream\) \{[^]*?)return readFn;/;
const CALLBACK = /\b(callback_\d+ = )Object\.assign\((exports\d+(?:\.\w+|\['[^']*'\])), \{ _jcoMaySuspend: false \}\)/g;
const EVENT = /setPendingEvent\(fn\) \{/g;
const DROPS_PENDING = /this\.drop\(\);(?=\s*\} catch \(err\) \{\s*_debugLog\('\[AsyncSubtask#onResolve\(\)\] failed)/;
const KEEPS_BUFFER = "instanceBuffers.set(nextBufID, buffer);";
const RETURNS = /\n( *return \{[^\n]*\};\n *\}\)\(\);\n *let promise, resolve, reject;)/;

/**
 * The generated text with calls to {@linkcode Hooks} in it.
 *
 * @throws {SkerryError} `component-unsupported`, when the text is not as expected.
 */
export function patch(source: string, name: string): string {
  const replaceOnce = (text: string, old: string | RegExp, by: string) => {
    const patched = text.replace(old, () => by);
    if (patched === text) throw unexpected(name, String(old));
    return patched;
  };
  let text = replaceOnce(
    source,
    HEAD,
    `${HEAD}
  const _skerry = imports['${HOOKS_IMPORT}'];
  const { setTimeout, setInterval, clearInterval, queueMicrotask, WebAssembly } = _skerry;`,
  );
  // It would read the environment at every step.
  if (text.includes("const _debugLog")) text = replaceOnce(text, DEBUG_LOG, "const _debugLog = () => {};");
  if (text.includes(TASK_META)) text = replaceOnce(text, TASK_META, "const CURRENT_TASK_META = _skerry.taskMeta;");
  if (text.includes(ASYNC_STATE)) {
    text = replaceOnce(text, ASYNC_STATE, "const STORE_ASYNC_STATE = _skerry.asyncState;");
  }
  // It keeps each buffer that a stream or future was read or written with, by an id that nobody asks for, to the end.
  if (text.includes("class BufferManager ")) text = replaceOnce(text, KEEPS_BUFFER, "");
  // Each call that waits would throw an error there and take it for a failure that matters to nobody: with its stack, at length.
  if (text.includes("class AsyncSubtask ")) {
    text = replaceOnce(text, DROPS_PENDING, "if (!this.#waitable?.hasPendingEvent()) this.drop();");
  }
  // Any guest may have to let others run.
  text = text.replace(CALLBACK, "$1WebAssembly.promising($2)");
  text = wrapCalls(text, name);
  if (text.includes("function _trackHostOperation(")) {
    text = replaceOnce(text, TRACK, "const result = _skerry.run(operation, this);");
  }
  // The promise that is returned there never settles, and the guest would wait for it for ever.
  text = text.replace(HOST_FAILED, (_, before) => `${before}throw err;`);
  if (GUEST_TASK.test(text)) {
    text = text.replaceAll(GUEST_TASK, "$&\n$1_skerry.guestTask(task);");
    text = replaceOnce(text, TASK_FAILS, `${TASK_FAILS}\n      this.failure = taskErr;`);
  }
  // jco 1.35 names the table by the resource's index here, which is another where a component imports many resources.
  text = text.replace(LIFTS_OWN, (lift, table: string) => lift.replace(/\bhandleTable\d+/g, `handleTable${table}`));
  text = patchTaken(text, (what) => unexpected(name, what));
  text = text.replace(DROPS, "_skerry.drop(rsc);");
  const reads = READS.exec(text);
  if (reads !== null) text = replaceOnce(text, reads[0], `${reads[1]}return _skerry.reads(readFn);`);
  else if (text.includes("_genReadFnFromLowerableStream")) throw unexpected(name, String(READS));
  text = text.replace(EVENT, "$& _skerry.wake();");
  const tables = new Map<string, [string, string]>();
  const pair = (handles: string, resources: string) => tables.set(`${handles} ${resources}`, [handles, resources]);
  for (const [, resources, handles] of text.matchAll(CREATES_HANDLE)) {
    pair(handles!, resources!);
  }
  for (const [, handles, resources] of text.matchAll(DROPS_HANDLE)) {
    pair(handles!, resources!);
  }
  if (tables.size > 0) {
    const owns = [...tables.values()].map(([handles, resources]) => `_skerry.own(${handles}, ${resources});`);
    const tail = RETURNS.exec(text);
    if (tail === null) throw unexpected(name, String(RETURNS));
    text = replaceOnce(text, tail[1]!, `${owns.join("\n")}\n${tail[1]}`);
  }
  return text;
}

/** Each host call is announced by a line that names it, and made in the next `_trackHostOperation(() => …)`. */
function wrapCalls(text: string, name: string): string {
  let announced: string | undefined;
  const patched = text.replace(
    CALL,
    (whole, iface?: string, wit?: string) => {
      if (iface !== undefined) {
        if (announced !== undefined) throw unexpected(name, announced);
        announced = `${withoutVersion(iface)}#${wit}`;
        return whole;
      }
      if (announced === undefined) throw unexpected(name, whole);
      // The name goes along as `this`, for the end of the call is harder to find than its beginning.
      const call = `fn: () => _trackHostOperation.call(${JSON.stringify(announced)}, `;
      announced = undefined;
      return call;
    },
  );
  if (announced !== undefined) throw unexpected(name, announced);
  return patched;
}

/** What is thrown for a text that has not the shape that it has to have. */
export function unexpected(name: string, what: string): SkerryError {
  return new SkerryError(
    "component-unsupported",
    `loading ${name}: the code that jco generated is not of the expected shape at ${what}. ` +
      "Is another version of @bytecodealliance/jco-transpile installed than the one in package.json?",
  );
}
