/**
 * Lifting: from a guest's memory and flat values to JavaScript values, by jco's mapping.
 *
 * Implements "Loading" and "Flat Lifting" of CanonicalABI.md. Each type becomes one closure, made once.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import type { Cx } from "./context.ts";
import { type Face, liftBorrow, liftOwn } from "./handles.ts";
import { flatWide, floatReader, i32Reader, loadWide } from "./joined.ts";
import { type Encoding, loadString } from "./strings.ts";
import { loadForeignString } from "./transcode.ts";
import { trap } from "./trap.ts";
import {
  discriminantSize,
  type FlatType,
  inARow,
  isNestedOption,
  payloadOffset,
  payloads,
  type ValueType,
} from "./types.ts";
import { elementBytes, parts } from "./weight.ts";
import { fromCore, unitsFromWide } from "./wide.ts";

export type CoreValue = number | bigint;
/** Reads a value at a place that is known to be aligned and inside the memory. */
export type Load = (cx: Cx, ptr: number) => unknown;
/** Reads a value out of flat ones. */
export type LiftFlat = (cx: Cx, flat: readonly CoreValue[]) => unknown;
/** Reads so many elements at a place. */
type Elements = (cx: Cx, ptr: number, length: number) => unknown;

/** Lists longer than this trap. */
export const MAX_LIST_BYTES = 2 ** 28 - 1;

function char(code: number): string {
  if (code >= 0x110000 || code >= 0xd800 && code <= 0xdfff) trap("converted char to integer: invalid char");
  return String.fromCodePoint(code);
}

type TypedArray = { new (buffer: ArrayBuffer): ArrayLike<unknown>; readonly BYTES_PER_ELEMENT: number };

/** Numeric lists are typed arrays, as in jco's mapping. */
export const TYPED_ARRAYS: Readonly<Partial<Record<ValueType["kind"], TypedArray>>> = {
  s8: Int8Array,
  s16: Int16Array,
  u16: Uint16Array,
  s32: Int32Array,
  u32: Uint32Array,
  s64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Reads elements after checking that they are there; `cost` is what each takes of the host's memory, in bytes. */
function range(elements: Elements, { size, align }: Pick<ValueType, "size" | "align">, cost: number): Elements {
  return (cx, ptr, length) => {
    if (length * size > MAX_LIST_BYTES) trap("list is too long");
    cx.checkRange(ptr, align, length * size, "list");
    cx.charge(length * cost + LIFTED_VALUE_BYTES);
    return elements(cx, ptr, length);
  };
}

/** Compiles types into closures that lift. */
export class Lifter {
  readonly #face: Face;
  readonly #encoding: Encoding;
  readonly #loads = new Map<ValueType, Load>();
  readonly #views: boolean;

  /** @param views Whether bytes are lifted as views of the memory, for who copies them at once. */
  constructor(face: Face, encoding: Encoding, views = false) {
    this.#face = face;
    this.#encoding = encoding;
    this.#views = views;
  }

  load(type: ValueType): Load {
    let load = this.#loads.get(type);
    if (load === undefined) this.#loads.set(type, load = this.#load(type));
    return load;
  }

  #load(type: ValueType): Load {
    const encoding = this.#encoding;
    const string = this.#face.isHost ? loadString : loadForeignString;
    switch (type.kind) {
      case "bool":
        return (cx, ptr) => cx.dv.getUint8(ptr) !== 0;
      case "u8":
        return (cx, ptr) => cx.dv.getUint8(ptr);
      case "s8":
        return (cx, ptr) => cx.dv.getInt8(ptr);
      case "u16":
        return (cx, ptr) => cx.dv.getUint16(ptr, true);
      case "s16":
        return (cx, ptr) => cx.dv.getInt16(ptr, true);
      case "u32":
        return (cx, ptr) => cx.dv.getUint32(ptr, true);
      case "s32":
        return (cx, ptr) => cx.dv.getInt32(ptr, true);
      case "u64":
        return (cx, ptr) => cx.dv.getBigUint64(ptr, true);
      case "s64":
        return (cx, ptr) => cx.dv.getBigInt64(ptr, true);
      case "f32":
        return (cx, ptr) => cx.dv.getFloat32(ptr, true);
      case "f64":
        return (cx, ptr) => cx.dv.getFloat64(ptr, true);
      case "char":
        return (cx, ptr) => char(cx.dv.getUint32(ptr, true));
      case "string":
        if (type.wide) return loadWide((cx, at, units) => string(cx, at, unitsFromWide(units, encoding), encoding));
        return (cx, ptr) => string(cx, cx.dv.getUint32(ptr, true), cx.dv.getUint32(ptr + 4, true), encoding);
      case "list": {
        if (type.length !== undefined) return this.#fixedList(type.element, type.length);
        const range = this.#listRange(type.element);
        if (type.wide) return loadWide((cx, at, length) => range(cx, at, fromCore(length)));
        return (cx, ptr) => range(cx, cx.dv.getUint32(ptr, true), cx.dv.getUint32(ptr + 4, true));
      }
      case "map": {
        const range = this.#mapRange(type.key, type.value);
        if (type.wide) return loadWide((cx, at, length) => range(cx, at, fromCore(length)));
        return (cx, ptr) => range(cx, cx.dv.getUint32(ptr, true), cx.dv.getUint32(ptr + 4, true));
      }
      case "record":
        return this.#record(type.fields);
      case "tuple": {
        const parts = this.#parts(type.types);
        return (cx, ptr) => parts.map((part) => part.load(cx, ptr + part.offset));
      }
      case "flags": {
        const bits = flags(type.labels);
        if (type.size === 1) return (cx, ptr) => bits(cx.dv.getUint8(ptr));
        if (type.size === 2) return (cx, ptr) => bits(cx.dv.getUint16(ptr, true));
        return (cx, ptr) => bits(cx.dv.getUint32(ptr, true));
      }
      case "variant":
      case "enum":
      case "option":
      case "result":
        return this.#variant(type);
      default: {
        const handle = this.#handle(type);
        return (cx, ptr) => handle(cx, cx.dv.getUint32(ptr, true));
      }
    }
  }

  /** What is a number for the guest and an object for the host. */
  #handle(type: ValueType): (cx: Cx, index: number) => unknown {
    switch (type.kind) {
      case "own":
        return liftOwn(type.resource, this.#face);
      case "borrow":
        return liftBorrow(type.resource, this.#face);
      default:
        return this.#face.liftAsync(type);
    }
  }

  #parts(types: readonly ValueType[]): { load: Load; offset: number }[] {
    const { offsets } = inARow(types);
    return types.map((type, i) => ({ load: this.load(type), offset: offsets[i]! }));
  }

  #record(fields: readonly { readonly name: string; readonly type: ValueType }[]): Load {
    const parts = this.#parts(fields.map((f) => f.type));
    const names = fields.map((f) => camelCase(f.name));
    return (cx, ptr) => {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < parts.length; i++) {
        const part = parts[i]!;
        record[names[i]!] = part.load(cx, ptr + part.offset);
      }
      return record;
    };
  }

  #fixedList(element: ValueType, length: number): Load {
    const fill = this.elements(element);
    return (cx, ptr) => fill(cx, ptr, length);
  }

  /** Reads elements that are known to lie inside the memory. */
  elements(element: ValueType): Elements {
    if (element.kind === "u8") {
      if (this.#views) return (cx, ptr, length) => cx.u8.subarray(ptr, ptr + length);
      return (cx, ptr, length) => cx.u8.slice(ptr, ptr + length);
    }
    const typed = TYPED_ARRAYS[element.kind];
    if (typed !== undefined) {
      const bytes = typed.BYTES_PER_ELEMENT;
      return (cx, ptr, length) => new typed(cx.u8.slice(ptr, ptr + length * bytes).buffer as ArrayBuffer);
    }
    const load = this.load(element);
    const { size } = element;
    return (cx, ptr, length) => {
      const list: unknown[] = [];
      for (let i = 0; i < length; i++) list.push(load(cx, ptr + i * size));
      return list;
    };
  }

  /** Reads `length` elements at `ptr`, after checking that they are there. */
  #listRange(element: ValueType): Elements {
    return range(this.elements(element), element, elementBytes(element));
  }

  #mapRange(key: ValueType, value: ValueType): Elements {
    const [k, v] = this.#parts([key, value]);
    const entry = inARow([key, value]);
    const { size } = entry;
    const { isHost } = this.#face;
    const all: Elements = (cx, ptr, length) => {
      const entries: [unknown, unknown][] = [];
      for (let i = 0; i < length; i++) {
        const at = ptr + i * size;
        entries.push([k!.load(cx, at), v!.load(cx, at + v!.offset)]);
      }
      // Between components, entries with the same key are all kept.
      return isHost ? new Map(entries) : entries;
    };
    return range(all, entry, size + LIFTED_VALUE_BYTES * (1 + parts(key) + parts(value)));
  }

  #variant(type: ValueType): Load {
    const cases = payloads(type);
    const offset = payloadOffset(cases);
    const loads = cases.map((c) => c === undefined ? undefined : this.load(c));
    const make = maker(type);
    const count = cases.length;
    const size = discriminantSize(count);
    return (cx, ptr) => {
      const index = size === 1
        ? cx.dv.getUint8(ptr)
        : size === 2
        ? cx.dv.getUint16(ptr, true)
        : cx.dv.getUint32(ptr, true);
      if (index >= count) trap("invalid variant discriminant");
      const load = loads[index];
      return make(index, load === undefined ? undefined : load(cx, ptr + offset));
    };
  }

  /**
   * A closure that lifts from the flat values that begin at `at`.
   *
   * @param have the flat types there, which inside of variants may be wider than the type's own
   */
  flat(type: ValueType, at: number, have: readonly FlatType[] = type.flat): LiftFlat {
    const encoding = this.#encoding;
    const string = this.#face.isHost ? loadString : loadForeignString;
    const i32 = i32Reader(at, have[0]);
    switch (type.kind) {
      case "bool":
        return (_, flat) => i32(flat) !== 0;
      case "u8":
        return (_, flat) => i32(flat) & 0xff;
      case "s8":
        return (_, flat) => i32(flat) << 24 >> 24;
      case "u16":
        return (_, flat) => i32(flat) & 0xffff;
      case "s16":
        return (_, flat) => i32(flat) << 16 >> 16;
      case "u32":
        return (_, flat) => i32(flat) >>> 0;
      case "s32":
        return (_, flat) => i32(flat) | 0;
      case "u64":
        return (_, flat) => BigInt.asUintN(64, flat[at] as bigint);
      case "s64":
        return (_, flat) => BigInt.asIntN(64, flat[at] as bigint);
      case "f32":
      case "f64":
        return floatReader(at, type.kind, have[0]);
      case "char":
        return (_, flat) => char(i32(flat) >>> 0);
      case "string": {
        if (type.wide) {
          return flatWide(at, (cx, ptr, units) => string(cx, ptr, unitsFromWide(units, encoding), encoding));
        }
        const length = i32Reader(at + 1, have[1]);
        return (cx, flat) => string(cx, i32(flat) >>> 0, length(flat) >>> 0, encoding);
      }
      case "map":
      case "list": {
        if (type.kind === "list" && type.length !== undefined) {
          return this.#flatFixedList(type.element, type.length, at, have);
        }
        const range = type.kind === "map" ? this.#mapRange(type.key, type.value) : this.#listRange(type.element);
        if (type.wide) return flatWide(at, (cx, ptr, length) => range(cx, ptr, fromCore(length)));
        const length = i32Reader(at + 1, have[1]);
        return (cx, flat) => range(cx, i32(flat) >>> 0, length(flat) >>> 0);
      }
      case "record": {
        const parts = this.#flatParts(type.fields.map((f) => f.type), at, have);
        const names = type.fields.map((f) => camelCase(f.name));
        return (cx, flat) => {
          const record: Record<string, unknown> = {};
          for (let i = 0; i < parts.length; i++) record[names[i]!] = parts[i]!(cx, flat);
          return record;
        };
      }
      case "tuple": {
        const parts = this.#flatParts(type.types, at, have);
        return (cx, flat) => parts.map((part) => part(cx, flat));
      }
      case "flags": {
        const bits = flags(type.labels);
        return (_, flat) => bits(i32(flat) >>> 0);
      }
      case "variant":
      case "enum":
      case "option":
      case "result":
        return this.#flatVariant(type, at, have);
      default: {
        const handle = this.#handle(type);
        return (cx, flat) => handle(cx, i32(flat) >>> 0);
      }
    }
  }

  #flatParts(types: readonly ValueType[], at: number, have: readonly FlatType[]): LiftFlat[] {
    let used = 0;
    return types.map((type) => {
      const part = this.flat(type, at + used, have.slice(used));
      used += type.flat.length;
      return part;
    });
  }

  #flatFixedList(element: ValueType, length: number, at: number, have: readonly FlatType[]): LiftFlat {
    const parts = this.#flatParts(new Array(length).fill(element), at, have);
    const typed = element.kind === "u8" ? Uint8Array : TYPED_ARRAYS[element.kind];
    if (typed === undefined) return (cx, flat) => parts.map((part) => part(cx, flat));
    const from = (typed as unknown as { from(values: unknown[]): unknown }).from.bind(typed);
    return (cx, flat) => from(parts.map((part) => part(cx, flat)));
  }

  #flatVariant(type: ValueType, at: number, have: readonly FlatType[]): LiftFlat {
    const discriminant = i32Reader(at, have[0]);
    const lifts = payloads(type).map((c) => c === undefined ? undefined : this.flat(c, at + 1, have.slice(1)));
    const make = maker(type);
    return (cx, flat) => {
      const index = discriminant(flat) >>> 0;
      if (index >= lifts.length) trap("invalid variant discriminant");
      return make(index, lifts[index]?.(cx, flat));
    };
  }
}

function flags(labels: readonly string[]): (bits: number) => Record<string, boolean> {
  const names = labels.map(camelCase);
  return (bits) => {
    const value: Record<string, boolean> = {};
    for (let i = 0; i < names.length; i++) value[names[i]!] = (bits >>> i & 1) !== 0;
    return value;
  };
}

/** Makes the JavaScript value of a case. */
function maker(type: ValueType): (index: number, payload: unknown) => unknown {
  switch (type.kind) {
    case "enum":
      return (index) => type.labels[index];
    case "option":
      return isNestedOption(type)
        ? (index, val) => index === 0 ? { tag: "none" } : { tag: "some", val }
        : (_, val) => val;
    case "result":
      return (index, val) => ({ tag: index === 0 ? "ok" : "err", val });
    default: {
      const cases = type.kind === "variant" ? type.cases : [];
      return (index, val) => {
        const { name, type: payload } = cases[index]!;
        return payload === undefined ? { tag: name } : { tag: name, val };
      };
    }
  }
}
