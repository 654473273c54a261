/**
 * Values where memories are addressed by 64 bits: the same values, laid out in another way.
 *
 * Implements `ptr_type` and `ptr_size` of CanonicalABI.md. Types have the layout of 32-bit memories; for a function whose
 * canonical options name a wide memory, they are laid out anew. Addresses and lengths are numbers here, as they are for
 * other memories: past 2⁵³ they lose their last bits, and are beyond every memory and every limit all the same.
 *
 * @module
 */
import type { Cx } from "./context.ts";
import type { OptionsPlan } from "./plan.ts";
import { type FuncType, layout, type ValueShape, type ValueType } from "./types.ts";
import type { CoreValue } from "./lift.ts";
import { type Encoding, UTF16_TAG } from "./strings.ts";

/** The core type of an address. */
export function addressType(isWide: boolean | undefined): "i32" | "i64" {
  return isWide ? "i64" : "i32";
}

/** An address or a length that core code gives. */
export function fromCore(value: CoreValue): number {
  return typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(64, value));
}

/** An address or a length for core code. */
export function toCore(value: number, isWide: boolean | undefined): CoreValue {
  return isWide ? BigInt.asIntN(64, BigInt(value)) : value | 0;
}

const WIDE_TAG = 1n << 63n;

/** The length of a string that core code gives, with the tag where this engine has it. */
export function unitsFromWide(value: bigint, encoding: Encoding): number {
  const bits = BigInt.asUintN(64, value);
  if (encoding !== "latin1+utf16") return Number(bits);
  // What has no room below the tag is longer than any string may be.
  const units = Math.min(Number(bits & ~WIDE_TAG), UTF16_TAG - 1);
  return bits < WIDE_TAG ? units : units + UTF16_TAG;
}

/** The length of a string for core code. */
export function unitsToWide(units: number, encoding: Encoding): bigint {
  if (encoding !== "latin1+utf16" || units < UTF16_TAG) return BigInt(units);
  return BigInt.asIntN(64, BigInt(units - UTF16_TAG) | WIDE_TAG);
}

/** Writes an address and a length, of 64 bits each. */
export function storeWide({ dv }: Pick<Cx, "dv">, ptr: number, at: number, length: bigint): void {
  dv.setBigUint64(ptr, BigInt(at), true);
  dv.setBigUint64(ptr + 8, length, true);
}

/** Each type's; what has no addresses in it is its own. */
const wideTypes = new WeakMap<ValueType, ValueType>();

/** A type as it is laid out where addresses have 64 bits. The same for the same. */
export function wideType(type: ValueType): ValueType {
  if (!type.hasPointer) return type;
  let made = wideTypes.get(type);
  if (made === undefined) {
    made = widened(type);
    wideTypes.set(type, made);
    wideTypes.set(made, made);
  }
  return made;
}

function widened(type: ValueType): ValueType {
  const shape = wideShape(type);
  const made = layout(shape);
  const isPointer = shape.kind === "string" || shape.kind === "map" ||
    shape.kind === "list" && shape.length === undefined;
  if (!isPointer) return { ...shape, ...made, id: type.id };
  return { ...shape, ...made, id: type.id, size: made.size64, align: made.align64, flat: ["i64", "i64"], wide: true };
}

function wideShape(type: ValueType): ValueShape {
  switch (type.kind) {
    case "record":
      return { kind: "record", fields: type.fields.map(({ name, type }) => ({ name, type: wideType(type) })) };
    case "variant":
      return {
        kind: "variant",
        cases: type.cases.map(({ name, type }) => ({ name, type: type && wideType(type) })),
      };
    case "list":
      return { kind: "list", element: wideType(type.element), length: type.length };
    case "tuple":
      return { kind: "tuple", types: type.types.map(wideType) };
    case "option":
      return { kind: "option", type: wideType(type.type) };
    case "result":
      return { kind: "result", ok: type.ok && wideType(type.ok), err: type.err && wideType(type.err) };
    case "map":
      return { kind: "map", key: wideType(type.key), value: wideType(type.value) };
    default:
      return type;
  }
}

const wideFunctions = new WeakMap<FuncType, FuncType>();

/** The type of a function as these options lay its values out. */
export function laidOut(type: FuncType, { wide }: Pick<OptionsPlan, "wide">): FuncType {
  if (!wide || type.wide) return type;
  let made = wideFunctions.get(type);
  if (made === undefined) {
    const params = type.params.map(({ name, type }) => ({ name, type: wideType(type) }));
    made = { async: type.async, params, result: type.result && wideType(type.result), wide: true };
    wideFunctions.set(type, made);
  }
  return made;
}
