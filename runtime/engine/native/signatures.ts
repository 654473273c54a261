/**
 * The core signatures that canonical functions have, and whether core code agrees with them.
 *
 * Implements `flatten_functype` and the validation rules of "Canonical Definitions" in CanonicalABI.md.
 *
 * @module
 */
import type { CanonOptions, CoreFuncType } from "../../component/mod.ts";
import type { CoreItem, LiftedFunc, OptionsPlan, Synth } from "./plan.ts";
import { type FlatType, type FuncType, MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_PARAMS, type ValueType } from "./types.ts";
import { addressType, laidOut, wideType } from "./wide.ts";

export interface CoreSignature {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

export function flatParams(type: FuncType): FlatType[] {
  const flat: FlatType[] = [];
  for (const { type: param } of type.params) {
    flat.push(...param.flat);
    if (flat.length > MAX_FLAT_PARAMS) break;
  }
  return flat;
}

/** Whether the parameters travel through memory. */
export function spillsParams(type: FuncType, max: number): boolean {
  return flatParams(type).length > max;
}

/** Whether the result travels through memory. */
export function spillsResult(type: FuncType): boolean {
  return (type.result?.flat.length ?? 0) > 1;
}

export function liftSignature(
  func: FuncType,
  options: Pick<OptionsPlan, "async" | "wide" | "callback">,
): CoreSignature {
  const type = laidOut(func, options);
  const address = addressType(options.wide);
  const flat = flatParams(type);
  const params = flat.length > MAX_FLAT_PARAMS ? [address] : flat;
  if (options.async) return { params, results: options.callback === undefined ? [] : ["i32"] };
  return { params, results: spillsResult(type) ? [address] : type.result?.flat ?? [] };
}

export function lowerSignature(func: FuncType, options: Pick<OptionsPlan, "async" | "wide">): CoreSignature {
  const type = laidOut(func, options);
  const address = addressType(options.wide);
  const flat = flatParams(type);
  if (options.async) {
    const params = flat.length > MAX_FLAT_ASYNC_PARAMS ? [address] : [...flat];
    if (type.result !== undefined) params.push(address);
    return { params, results: ["i32"] };
  }
  const params = flat.length > MAX_FLAT_PARAMS ? [address] : [...flat];
  if (!spillsResult(type)) return { params, results: type.result?.flat ?? [] };
  return { params: [...params, address], results: [] };
}

/** What is wrong with a lift, if anything. */
export function checkLift(
  lift: LiftedFunc,
  options: CanonOptions,
  typeOf: (item: CoreItem) => CoreSignature | undefined,
): string | undefined {
  const { type } = lift;
  if (options.async && !type.async) return "the `async` canonical option requires an async function type";
  if (options.callback !== undefined && !options.async) return "cannot specify callback without async";
  if (options.async && options.postReturn !== undefined) return "cannot specify post-return function in async";
  const memory = memoryProblem(
    options,
    type.params.map((p) => p.type),
    spillsParams(type, MAX_FLAT_PARAMS),
    type.result,
    spillsResult(type) && !options.async,
  );
  if (memory !== undefined) return memory;
  const core = typeOf(lift.core);
  const wanted = liftSignature(type, lift.options);
  if (core !== undefined && !same(core, wanted)) return mismatch("lowered", wanted, core);
  const post = lift.options.postReturn && typeOf(lift.options.postReturn);
  if (post && !same(post, { params: wanted.results, results: [] })) {
    return "core function for post-return has the wrong type";
  }
  const callback = lift.options.callback && typeOf(lift.options.callback);
  if (callback && !same(callback, { params: ["i32", "i32", "i32"], results: ["i32"] })) {
    return "canonical option `callback` requires a core function of type (i32, i32, i32) -> i32";
  }
  return undefined;
}

function memoryProblem(
  options: CanonOptions,
  lowered: readonly ValueType[],
  loweredSpill: boolean,
  lifted: ValueType | undefined,
  liftedSpill: boolean,
): string | undefined {
  const needsRealloc = loweredSpill || lowered.some((t) => t.hasPointer);
  if (options.memory === undefined && (needsRealloc || liftedSpill || lifted?.hasPointer)) {
    return "canonical option `memory` is required";
  }
  if (options.realloc === undefined && needsRealloc) return "canonical option `realloc` is required";
  if (options.realloc !== undefined && options.memory === undefined) return "canonical option `memory` is required";
  return undefined;
}

export function checkLower(type: FuncType, options: CanonOptions): string | undefined {
  if (options.async && !type.async) return "the `async` canonical option requires an async function type";
  if (options.postReturn !== undefined) return "canonical option `post-return` cannot be specified for lowerings";
  if (options.callback !== undefined) return "canonical option `callback` cannot be specified for lowerings";
  const max = options.async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
  const liftsFromMemory = spillsParams(type, max) || type.params.some((p) => p.type.hasPointer);
  const resultInMemory = options.async ? type.result !== undefined : spillsResult(type);
  if (options.memory === undefined && (liftsFromMemory || resultInMemory || type.result?.hasPointer)) {
    return "canonical option `memory` is required";
  }
  if (options.realloc === undefined && type.result?.hasPointer) return "canonical option `realloc` is required";
  if (options.realloc !== undefined && options.memory === undefined) return "canonical option `memory` is required";
  return undefined;
}

/** What is wrong with the options of a built-in, if anything; `type` is of the values that it takes or gives. */
export function checkOptions(
  kind: "task.return" | "error-context.new" | "error-context.debug-message" | "read" | "write",
  options: CanonOptions,
  type: ValueType | undefined,
): string | undefined {
  const isCopy = kind === "read" || kind === "write";
  const not = (option: string) =>
    `canonical option \`${option}\` cannot be specified for ${isCopy ? `a ${kind}` : kind}`;
  if (options.postReturn !== undefined) return not("post-return");
  if (options.callback !== undefined) return not("callback");
  if (options.async && !isCopy) return not("async");
  if (options.realloc !== undefined && kind === "task.return") return not("realloc");
  const needsMemory = kind === "task.return"
    ? type !== undefined && (type.hasPointer || type.flat.length > MAX_FLAT_PARAMS)
    : !isCopy || type !== undefined || options.realloc !== undefined;
  if (needsMemory && options.memory === undefined) return "canonical option `memory` is required";
  const needsRealloc = kind === "error-context.debug-message" || kind === "read" && type?.hasPointer === true;
  return needsRealloc && options.realloc === undefined ? "canonical option `realloc` is required" : undefined;
}

/** What is wrong when core code imports an engine's function as `type`. */
export function checkSynth(synth: Synth, type: CoreFuncType): string | undefined {
  const wanted = synthSignature(synth);
  return wanted === undefined || same(type, wanted) ? undefined : mismatch("imported", wanted, type);
}

const I32: FlatType = "i32";

/** The core type of an engine's function. */
export function synthSignature(synth: Synth): CoreSignature | undefined {
  switch (synth.kind) {
    case "lower":
      return lowerSignature(synth.func.type, synth.options);
    case "resource.new":
    case "resource.rep":
      return { params: [I32], results: [I32] };
    case "resource.drop":
      return { params: [I32], results: [] };
    case "task.return": {
      const { wide } = synth.options;
      const flat = (synth.result && wide ? wideType(synth.result) : synth.result)?.flat ?? [];
      return { params: flat.length > MAX_FLAT_PARAMS ? [addressType(wide)] : flat, results: [] };
    }
    case "stream":
    case "future":
      return copySignature(synth);
    case "error-context.new": {
      const address = addressType(synth.options.wide);
      return { params: [address, address], results: [I32] };
    }
    case "error-context.debug-message":
      return { params: [I32, addressType(synth.options.wide)], results: [] };
    case "waitable-set.wait":
    case "waitable-set.poll":
      return { params: [I32, addressType(synth.wide)], results: [I32] };
    case "thread.new-indirect":
      return { params: [addressType(synth.wideTable), synth.type], results: [I32] };
    case "late":
    case "start":
    case "wide-realloc":
      return undefined;
    case "builtin":
      return builtinSignature(synth.canon);
  }
}

function copySignature(synth: Synth & { kind: "stream" | "future" }): CoreSignature {
  switch (synth.op) {
    case "new":
      return { params: [], results: ["i64"] };
    case "read":
    case "write": {
      const address = addressType(synth.options?.wide);
      return synth.kind === "stream"
        ? { params: [I32, address, address], results: [address] }
        : { params: [I32, address], results: [I32] };
    }
    case "cancel-read":
    case "cancel-write":
      return { params: [I32], results: [I32] };
    default:
      return { params: [I32], results: [] };
  }
}

function builtinSignature(canon: (Synth & { kind: "builtin" })["canon"]): CoreSignature | undefined {
  switch (canon.kind) {
    case "task.cancel":
    case "backpressure.inc":
    case "backpressure.dec":
      return { params: [], results: [] };
    case "subtask.drop":
    case "error-context.drop":
    case "waitable-set.drop":
      return { params: [I32], results: [] };
    case "waitable-set.new":
    case "thread.yield":
    case "thread.index":
    case "thread.suspend":
      return { params: [], results: [I32] };
    case "thread.resume-later":
      return { params: [I32], results: [] };
    case "thread.suspend-then-resume":
    case "thread.yield-then-resume":
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
      return { params: [I32], results: [I32] };
    case "waitable.join":
      return { params: [I32, I32], results: [] };
    case "subtask.cancel":
      return { params: [I32], results: [I32] };
    case "context.get":
      return { params: [], results: [canon.type] };
    case "context.set":
      return { params: [canon.type], results: [] };
    default:
      return undefined;
  }
}

/** Whether two signatures are the same. A type may have a thousand parameters, and be compared again and again. */
export function same(a: CoreSignature, b: CoreSignature): boolean {
  return sameTypes(a.params, b.params) && sameTypes(a.results, b.results);
}

function sameTypes(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((type, i) => type === b[i]);
}

function mismatch(what: string, wanted: CoreSignature, found: CoreSignature): string {
  const show = (s: CoreSignature) => `(${s.params.join(", ")}) -> (${s.results.join(", ")})`;
  return `${what} function has type ${show(found)}, expected ${show(wanted)}`;
}
