/**
 * Parameters and results of whole functions.
 *
 * Implements "Lifting and Lowering Values" of CanonicalABI.md.
 *
 * @module
 */
import type { Cx } from "./context.ts";
import { allOrNone, anyOwn, keepOwns } from "./given_away.ts";
import type { CoreValue, Lifter, LiftFlat } from "./lift.ts";
import type { Lowerer, LowerFlat } from "./lower.ts";
import { flatParams, spillsParams, spillsResult } from "./signatures.ts";
import { type FuncType, inARow, MAX_FLAT_PARAMS, type ValueType } from "./types.ts";
import { plainBytes } from "./weight.ts";
import { fromCore, toCore } from "./wide.ts";

/** Lifts the parameters of a lowered function out of its core arguments. */
export function compileParamsLift(
  type: FuncType,
  lifter: Lifter,
  max = MAX_FLAT_PARAMS,
): (cx: Cx, args: readonly CoreValue[]) => unknown[] {
  const types = type.params.map((p) => p.type);
  return allOrNone(types, charged(types, paramsLift(type, lifter, max)));
}

/** `lift` of values of `types`, which counts them first where they are large however they are filled. */
function charged<A, T>(types: readonly ValueType[], lift: (cx: Cx, from: A) => T): (cx: Cx, from: A) => T {
  const bytes = plainBytes(types);
  if (bytes === 0) return lift;
  return (cx, from) => {
    cx.charge(bytes);
    return lift(cx, from);
  };
}

function paramsLift(
  type: FuncType,
  lifter: Lifter,
  max: number,
): (cx: Cx, args: readonly CoreValue[]) => unknown[] {
  if (spillsParams(type, max)) {
    const { offsets, size, align } = inARow(type.params.map((p) => p.type));
    const loads = type.params.map((p) => lifter.load(p.type));
    return (cx, args) => {
      const ptr = fromCore(args[0]!);
      cx.checkRange(ptr, align, size, "parameters");
      return loads.map((load, i) => load(cx, ptr + offsets[i]!));
    };
  }
  let at = 0;
  const lifts = type.params.map(({ type: param }): LiftFlat => {
    const lift = lifter.flat(param, at);
    at += param.flat.length;
    return lift;
  });
  const [first, second] = lifts;
  switch (lifts.length) {
    case 0:
      return () => [];
    case 1:
      return (cx, args) => [first!(cx, args)];
    case 2:
      return (cx, args) => [first!(cx, args), second!(cx, args)];
    default:
      return (cx, args) => lifts.map((lift) => lift(cx, args));
  }
}

/** Lowers the result of a lowered function: answers its core result, or writes it where the last argument points to. */
export function compileResultLower(
  type: FuncType,
  lowerer: Lowerer,
): (cx: Cx, args: readonly CoreValue[], value: unknown) => CoreValue | undefined {
  const lower = resultLower(type, lowerer);
  const types = [type.result];
  if (!anyOwn(types)) return lower;
  return (cx, args, value) => {
    try {
      return lower(cx, args, value);
    } catch (error) {
      keepOwns(cx, types, [value]);
      throw error;
    }
  };
}

function resultLower(
  type: FuncType,
  lowerer: Lowerer,
): (cx: Cx, args: readonly CoreValue[], value: unknown) => CoreValue | undefined {
  const { result } = type;
  if (result === undefined) return () => undefined;
  if (spillsResult(type)) {
    const at = spillsParams(type, MAX_FLAT_PARAMS) ? 1 : flatParams(type).length;
    const store = lowerer.store(result);
    const { size, align } = result;
    return (cx, args, value) => {
      const ptr = fromCore(args[at]!);
      cx.checkTarget(ptr, align, size, "result");
      store(cx, ptr, value);
      return undefined;
    };
  }
  const single = lowerer.single(result);
  if (single !== undefined) return (cx, _args, value) => single(cx, value);
  const lower = lowerer.flat(result);
  return (cx, _args, value) => {
    const out: CoreValue[] = [];
    lower(cx, value, out);
    return out[0];
  };
}

/** Lowers the parameters of a lifted function into core arguments. */
export function compileParamsLower(
  type: FuncType,
  lowerer: Lowerer,
): (cx: Cx, values: readonly unknown[]) => CoreValue[] {
  const lower = paramsLower(type, lowerer);
  const types = type.params.map((p) => p.type);
  if (!anyOwn(types)) return lower;
  return (cx, values) => {
    try {
      return lower(cx, values);
    } catch (error) {
      keepOwns(cx, types, values);
      throw error;
    }
  };
}

function paramsLower(
  type: FuncType,
  lowerer: Lowerer,
): (cx: Cx, values: readonly unknown[]) => CoreValue[] {
  if (spillsParams(type, MAX_FLAT_PARAMS)) {
    const { offsets, size, align } = inARow(type.params.map((p) => p.type));
    const stores = type.params.map((p) => lowerer.store(p.type));
    return (cx, values) => {
      const ptr = cx.allocate(align, size);
      stores.forEach((store, i) => store(cx, ptr + offsets[i]!, values[i]));
      return [toCore(ptr, type.wide)];
    };
  }
  const [first, second] = type.params.map((p) => lowerer.single(p.type));
  if (type.params.length === 1 && first !== undefined) return (cx, values) => [first(cx, values[0])];
  if (type.params.length === 2 && first !== undefined && second !== undefined) {
    return (cx, values) => [first(cx, values[0]), second(cx, values[1])];
  }
  const lowers = type.params.map((p): LowerFlat => lowerer.flat(p.type));
  return (cx, values) => {
    const out: CoreValue[] = [];
    for (let i = 0; i < lowers.length; i++) lowers[i]!(cx, values[i], out);
    return out;
  };
}

/** Lifts the result of a lifted function out of its core result. */
export function compileResultLift(type: FuncType, lifter: Lifter): (cx: Cx, core: CoreValue | undefined) => unknown {
  const types = type.result === undefined ? [] : [type.result];
  return allOrNone(types, charged(types, resultLift(type, lifter)));
}

function resultLift(type: FuncType, lifter: Lifter): (cx: Cx, core: CoreValue | undefined) => unknown {
  const { result } = type;
  if (result === undefined) return () => undefined;
  if (spillsResult(type)) {
    const load = lifter.load(result);
    const { size, align } = result;
    return (cx, core) => {
      const ptr = fromCore(core!);
      cx.checkRange(ptr, align, size, "result");
      return load(cx, ptr);
    };
  }
  const lift = lifter.flat(result, 0);
  return (cx, core) => lift(cx, core === undefined ? [] : [core]);
}
