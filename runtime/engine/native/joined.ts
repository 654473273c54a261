/**
 * Core values that stand for others: flat values that the cases of a variant share, and the pairs of an address and a
 * length that have 64 bits each.
 *
 * Implements `CoerceValueIter` and its counterpart in "Flat Lifting" and "Flat Lowering" of CanonicalABI.md.
 *
 * @module
 */
import { number } from "./coerce.ts";
import type { Cx } from "./context.ts";
import type { CoreValue, LiftFlat, Load } from "./lift.ts";
import type { LowerFlat } from "./lower.ts";
import type { FlatType } from "./types.ts";
import { fromCore } from "./wide.ts";

const scratch = new DataView(new ArrayBuffer(8));

function f32(bits: number): number {
  scratch.setInt32(0, bits);
  return scratch.getFloat32(0);
}

function f64(bits: bigint): number {
  scratch.setBigInt64(0, bits);
  return scratch.getFloat64(0);
}

function bits32(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getInt32(0);
}

function bits64(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigInt64(0);
}

type FromWide = (cx: Cx, ptr: number, length: bigint) => unknown;

/** Reads what lies at an address, and how long it is, where both have 64 bits. */
export function loadWide(read: FromWide): Load {
  return (cx, ptr) => read(cx, fromCore(cx.dv.getBigUint64(ptr, true)), cx.dv.getBigUint64(ptr + 8, true));
}

/** The same for flat values. */
export function flatWide(at: number, read: FromWide): LiftFlat {
  return (cx, flat) => read(cx, fromCore(flat[at]!), flat[at + 1] as bigint);
}

/** Reads an i32 that a variant may have widened. */
export function i32Reader(at: number, have: FlatType | undefined): (flat: readonly CoreValue[]) => number {
  return have === "i64" ? (flat) => Number(BigInt.asIntN(32, flat[at] as bigint)) : (flat) => flat[at] as number;
}

/** The same for a float. */
export function floatReader(at: number, want: "f32" | "f64", have: FlatType | undefined): LiftFlat {
  if (have === want || have === undefined) return (_, flat) => flat[at];
  if (want === "f64") return (_, flat) => f64(flat[at] as bigint);
  if (have === "i32") return (_, flat) => f32(flat[at] as number);
  return (_, flat) => f32(Number(BigInt.asIntN(32, flat[at] as bigint)));
}

/** Appends an i32, as wide as the variant that it is in wants it. */
export function i32Writer(want: FlatType | undefined): (out: CoreValue[], value: number) => void {
  if (want === "i64") {
    return (out, value) => {
      out.push(BigInt(value >>> 0));
    };
  }
  return (out, value) => {
    out.push(value);
  };
}

/** The same for a float. */
export function floatWriter(have: "f32" | "f64", want: FlatType | undefined): LowerFlat {
  if (have === want || want === undefined) {
    return (_, v, out) => {
      out.push(number(v));
    };
  }
  if (have === "f64") {
    return (_, v, out) => {
      out.push(bits64(number(v)));
    };
  }
  const i32 = i32Writer(want);
  return (_, v, out) => i32(out, bits32(number(v)));
}
