/**
 * Small modules of our own between the guest and JavaScript: what JSPI makes expensive, they make rare.
 *
 * @module
 */
import type { CoreSignature } from "./signatures.ts";
import { type CoreFunction, now, promising, suspending } from "./thread.ts";

const TYPE_CODES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };

const CALL = 0x10;
const DROP = 0x1a;
const IF = 0x04;
const END = 0x0b;
const I32_CONST = 0x41;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;

const NO_VALUES: readonly string[] = [];

/** What {@linkcode GuestThread.returned} is for a function without a result. */
const NOTHING = { core: undefined };

function returned(core?: number | bigint): void {
  now.thread.returned = core === undefined ? NOTHING : { core };
}

/** Core functions of one signature, each called by a module that tells when it has returned. */
export class Watcher {
  readonly #signature: CoreSignature;
  readonly #calls = new WeakMap<CoreFunction, CoreFunction>();

  constructor(signature: CoreSignature) {
    this.#signature = signature;
  }

  /**
   * `func`, on a stack that can be suspended. As it returns, it sets `returned` of the thread that is running, whose call it
   * is; whoever called it has that result before the promise settles. The promise itself has none.
   */
  watched(func: CoreFunction): CoreFunction {
    let call = this.#calls.get(func);
    if (call === undefined) {
      const { exports } = new WebAssembly.Instance(watcher(this.#signature), { "": { func, returned } });
      this.#calls.set(func, call = promising(exports["call"] as CoreFunction));
    }
    return call;
  }
}

/**
 * A function of core type for one that may answer with a promise: only then is the guest that calls it suspended. An import
 * that suspends by itself does so whatever it answers, and its guest goes on in another microtask.
 *
 * @param func answers with a core value of the signature, or with a promise for which `now` is set
 */
export function suspendingOnPromise(func: CoreFunction, signature: CoreSignature): CoreFunction {
  let promise: Promise<unknown> | undefined;
  const waits = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  const placeholder = signature.results[0] === "i64" ? 0n : 0;
  const call = (...args: unknown[]) => {
    const result = func(...args);
    if (!(result instanceof Promise)) return result;
    promise = result;
    waits.value = 1;
    return placeholder;
  };
  const wait = suspending(() => {
    const waiting = promise;
    promise = undefined;
    return waiting;
  });
  const { exports } = new WebAssembly.Instance(conditional(signature), { "": { call, wait, waits } });
  return exports["call"] as CoreFunction;
}

/**
 * ```wat
 * (module
 *   (import "" "func" (func $func (param …) (result …)))
 *   (import "" "returned" (func $returned (param …)))
 *   (func (export "call") (param …)
 *     local.get … call $func call $returned))
 * ```
 */
const watcher = perSignature(({ params, results }) => {
  const types = [[params, results], [results, NO_VALUES], [params, NO_VALUES]] as const;
  const imports = [imported("func", 0, 0), imported("returned", 0, 1)];
  return moduleOf(types, imports, [0, ...getAll(params), CALL, 0, CALL, 1, END]);
});

/**
 * ```wat
 * (module
 *   (import "" "call" (func $call (param …) (result …)))
 *   (import "" "wait" (func $wait (result …)))
 *   (import "" "waits" (global $waits (mut i32)))
 *   (func (export "call") (param …) (result …)
 *     local.get … call $call
 *     global.get $waits
 *     if (param …) (result …)
 *       drop  ;; where there is a result
 *       i32.const 0 global.set $waits
 *       call $wait
 *     end))
 * ```
 */
const conditional = perSignature(({ params, results }) => {
  const types = [[params, results], [NO_VALUES, results], [params, results], [results, results]] as const;
  const imports = [imported("call", 0, 0), imported("wait", 0, 1), imported("waits", 3, 0x7f, 1)];
  const again = [...results.map(() => DROP), I32_CONST, 0, GLOBAL_SET, 0, CALL, 1];
  return moduleOf(types, imports, [0, ...getAll(params), CALL, 0, GLOBAL_GET, 0, IF, 3, ...again, END, END]);
});

const getAll = (params: readonly string[]) => params.flatMap((_, index) => [0x20, index]);

function text(name: string): number[] {
  return [name.length, ...new TextEncoder().encode(name)];
}

/** An import from the module with the empty name. */
function imported(name: string, ...description: number[]): number[] {
  return [...text(""), ...text(name), ...description];
}

/** A module whose one function is of the third type and comes after two that are imported. */
function moduleOf(
  types: readonly (readonly [params: readonly string[], results: readonly string[]])[],
  imports: readonly (readonly number[])[],
  body: readonly number[],
): Uint8Array<ArrayBuffer> {
  const section = (id: number, ...content: number[]) => [id, ...leb(content.length), ...content];
  const codes = (list: readonly string[]) => [list.length, ...list.map((type) => TYPE_CODES[type]!)];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types.length, ...types.flatMap(([params, results]) => [0x60, ...codes(params), ...codes(results)])),
    ...section(2, imports.length, ...imports.flat()),
    ...section(3, 1, 2),
    ...section(7, 1, ...text("call"), 0, 2),
    ...section(10, 1, ...leb(body.length), ...body),
  ]);
}

/** Sizes in such a module are below 2¹⁴. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, value >> 7];
}

/** Compiles a module once for each signature. */
function perSignature(
  bytes: (signature: CoreSignature) => Uint8Array<ArrayBuffer>,
): (signature: CoreSignature) => WebAssembly.Module {
  const modules = new Map<string, WebAssembly.Module>();
  return (signature) => {
    const key = `${signature.params.join()}:${signature.results.join()}`;
    let module = modules.get(key);
    if (module === undefined) modules.set(key, module = new WebAssembly.Module(bytes(signature)));
    return module;
  };
}
