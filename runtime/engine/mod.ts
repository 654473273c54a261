/**
 * The engine seam: what turns component bytes into isolates.
 *
 * Three steps, each as rarely as it can be: {@linkcode Engine.load} once per component, {@linkcode LoadedComponent.link}
 * once per function, {@linkcode LinkedComponent.instantiate} once per request. Host functions are the same for every
 * request of a function; they find theirs through `currentTask()`.
 *
 * @module
 */

import type { Limits } from "../limits.ts";
import type { MemoryNeed } from "../memory.ts";

/** The full name of an interface, as it stands in the binary: `wasi:http/types@0.2.3`. */
export type InterfaceName = string;

/**
 * Host implementations, by full interface name (`wasi:http/types@0.2.12`). The engine matches a component's import to
 * the compatible version: the same major, and for 0.x the same minor, and for 0.0.x the same patch.
 *
 * An implementation follows jco's mapping of WIT to JavaScript: camelCase functions, classes for resources, `{ tag, val }`
 * variants, an error with `payload` thrown for the `err` of a `result`, `undefined` for `none`. A function that waits
 * returns a `Promise` and is declared `async`, or is marked with {@linkcode waits}. A core module or a component, which
 * the native engine takes too, is its bytes: a `Uint8Array` in the place of the interface, or in it by its camelCase name.
 */
export type HostImports = Readonly<Record<InterfaceName, HostInterface>>;

/** One interface of the host: functions and classes by their camelCase names. */
export type HostInterface = Readonly<Record<string, unknown>>;

/** An exported function of a component. Always called inside a task; may suspend, so it returns a promise. */
// deno-lint-ignore no-explicit-any -- the types of a component's exports are known only at run time
export type ExportedFunction = (...args: any[]) => Promise<unknown>;

/** One component, one fresh instance, one task. */
export interface Isolate {
  /**
   * Calls an exported function as {@linkcode exports} does, but answers with its result at once where the guest has
   * returned without waiting for anything, as most do; with a promise of it otherwise. Absent when the engine cannot tell.
   */
  readonly call?: (interfaceName: InterfaceName, name: string, args: readonly unknown[]) => unknown;
  /** The exported functions by interface name as the binary has it, then by camelCase name. */
  readonly exports: Readonly<
    Record<InterfaceName, Readonly<Record<string, ExportedFunction>>>
  >;
  /** The exported values, by interface name and camelCase name. Absent when the component exports none. */
  readonly values?: Readonly<Record<InterfaceName, Readonly<Record<string, unknown>>>> | undefined;
  /**
   * Settles when no task of the guest is left, running or waiting: a guest may run on after an exported async function
   * has given its result. Rejects with what ended it otherwise: a trap, or what a host function threw. Absent when the
   * engine cannot tell, or the component exports no async function.
   */
  readonly ended?: Promise<void> | undefined;
  /** Ends the isolate: its host resources are dropped, and nothing of it runs again. Calling it twice is harmless. */
  dispose(): void;
}

/** A component whose imports have been resolved. */
export interface LinkedComponent {
  /** Makes a fresh isolate, at once if nothing has to wait. Call it inside `withTask`; the isolate belongs to that task and ends with it. */
  instantiate(): Isolate | Promise<Isolate>;
  /**
   * Whether its isolates can be called inside `startTask`: the engine calls `enterTask` before anything is left to run later,
   * and before each host function that is not marked with {@linkcode atOnce}. Default: false.
   */
  readonly startsTasks?: boolean;
}

/** An import of a component: an interface and the names of what it takes from it. */
export interface ImportedInterface {
  readonly name: InterfaceName;
  /** WIT names: `get-stdout`, `[method]pollable.block`, `[resource-drop]pollable`-less; types are left out. */
  readonly functions: readonly string[];
}

/** Component bytes, decoded, checked and compiled. */
export interface LoadedComponent {
  readonly imports: readonly ImportedInterface[];
  /** The exported interfaces, `wasi:http/incoming-handler@0.2.3`. */
  readonly exports: readonly InterfaceName[];
  /** What an isolate has from the start, as far as the engine knows. */
  readonly memory?: MemoryNeed;
  /**
   * Resolves every import against `host`.
   *
   * @throws {SkerryError} `component-import-missing`, naming each interface or function that `host` lacks.
   */
  link(host: HostImports): Promise<LinkedComponent>;
}

/** What turns component bytes into isolates. */
export interface Engine {
  readonly name: string;
  /**
   * Once per component: decode, check, compile.
   *
   * @throws {SkerryError} `component-malformed` or `component-unsupported`.
   */
  load(
    bytes: Uint8Array<ArrayBuffer>,
    options?: LoadOptions,
  ): Promise<LoadedComponent>;
}

export interface LoadOptions {
  /** A name for messages and stack traces. */
  readonly name?: string;
  /** What an engine builds into the component. Default: those of a function whose manifest says nothing. */
  readonly limits?: Pick<Limits, "memoryMb" | "tableElements">;
}

const WAITS = Symbol.for("skerry.waits");

/**
 * Marks a host function that may return a promise although it is not declared `async`.
 *
 * @example
 * ```ts
 * import { mayWait, waits } from "./mod.ts";
 *
 * const sleep = waits((ms: number) => new Promise((done) => setTimeout(done, ms)));
 * console.assert(mayWait(sleep) && !mayWait(() => 1));
 * ```
 */
// deno-lint-ignore no-explicit-any -- any function can be marked
export function waits<F extends (...args: any[]) => unknown>(
  hostFunction: F,
): F {
  return Object.defineProperty(hostFunction, WAITS, { value: true });
}

const AT_ONCE = Symbol.for("skerry.atOnce");

/**
 * Marks host functions all of whose doing is done when they return, so that they can be called before the storage knows the
 * task: they await, schedule and listen to nothing, or call `enterTask` before they do; and what they hand out to the guest
 * does so neither, in functions that are marked.
 *
 * @example
 * ```ts
 * import { atOnce, isAtOnce } from "./mod.ts";
 *
 * const add = (a: number, b: number) => a + b;
 * atOnce(add);
 * console.assert(isAtOnce(add) && !isAtOnce(() => fetch("http://localhost/")));
 * ```
 */
// deno-lint-ignore ban-types -- functions, and classes for their constructors
export function atOnce(...hostFunctions: readonly Function[]): void {
  for (const hostFunction of hostFunctions) Object.defineProperty(hostFunction, AT_ONCE, { value: true });
}

/** Marks methods of a class, and its constructor, with {@linkcode atOnce}: those that a guest knows and that are its own. */
export function allAtOnce<T extends object>(
  // deno-lint-ignore no-explicit-any -- the constructor is only marked
  hostClass: { readonly prototype: T; new (...args: any[]): T },
  ...methods: readonly (keyof T)[]
): void {
  atOnce(hostClass, ...methods.map((name) => hostClass.prototype[name] as () => unknown));
}

/** Whether a host function is marked with {@linkcode atOnce}. */
// deno-lint-ignore ban-types -- as above
export function isAtOnce(hostFunction: Function): boolean {
  // A class that extends a marked one has its own constructor.
  return Object.hasOwn(hostFunction, AT_ONCE);
}

const AsyncFunction = (async () => {}).constructor;

/** Whether a host function may return a promise: it is declared `async` or marked with {@linkcode waits}. */
export function mayWait(hostFunction: unknown): boolean {
  return hostFunction instanceof AsyncFunction ||
    (typeof hostFunction === "function" && WAITS in hostFunction);
}
