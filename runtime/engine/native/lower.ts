/**
 * Lowering: from JavaScript values, by jco's mapping, to a guest's memory and flat values.
 *
 * Implements "Storing" and "Flat Lowering" of CanonicalABI.md. Each type becomes one closure, made once.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import {
  big,
  bytesOf,
  char,
  entriesOf,
  flags,
  lengthOf,
  matched,
  matcher,
  number,
  object,
  tupleOf,
  wrong,
} from "./coerce.ts";
import type { Cx } from "./context.ts";
import { type Face, lowerBorrow, lowerOwn } from "./handles.ts";
import { floatWriter, i32Writer } from "./joined.ts";
import { type CoreValue, MAX_LIST_BYTES, TYPED_ARRAYS } from "./lift.ts";
import { type Encoding, stored, storeString } from "./strings.ts";
import { storeForeignString } from "./transcode.ts";
import { trap } from "./trap.ts";
import { discriminantSize, type FlatType, inARow, payloadOffset, payloads, type ValueType } from "./types.ts";
import { storeWide, toCore, unitsToWide } from "./wide.ts";

/** Writes a value to a place that is known to be aligned and inside the memory. */
export type Store = (cx: Cx, ptr: number, value: unknown) => void;
/** Appends the flat form of a value. */
export type LowerFlat = (cx: Cx, value: unknown, out: CoreValue[]) => void;
type Range = (cx: Cx, value: unknown) => number;

/** Allocates and writes elements; answers where. How many there are is {@linkcode lengthOf} the value. */
function range(elements: Store, { size, align }: Pick<ValueType, "size" | "align">): Range {
  return (cx, v) => {
    const bytes = lengthOf(v) * size;
    if (bytes > MAX_LIST_BYTES) trap("list is too long");
    const ptr = cx.allocate(align, bytes);
    elements(cx, ptr, v);
    return ptr;
  };
}

/** Compiles types into closures that lower. */
export class Lowerer {
  readonly #face: Face;
  readonly #encoding: Encoding;
  readonly #stores = new Map<ValueType, Store>();

  constructor(face: Face, encoding: Encoding) {
    this.#face = face;
    this.#encoding = encoding;
  }

  store(type: ValueType): Store {
    let store = this.#stores.get(type);
    if (store === undefined) this.#stores.set(type, store = this.#store(type));
    return store;
  }

  #store(type: ValueType): Store {
    const encoding = this.#encoding;
    const string = this.#face.isHost ? storeString : storeForeignString;
    switch (type.kind) {
      case "bool":
        return (cx, ptr, v) => cx.dv.setUint8(ptr, v ? 1 : 0);
      case "u8":
      case "s8":
        return (cx, ptr, v) => cx.dv.setUint8(ptr, number(v));
      case "u16":
      case "s16":
        return (cx, ptr, v) => cx.dv.setUint16(ptr, number(v), true);
      case "u32":
      case "s32":
        return (cx, ptr, v) => cx.dv.setUint32(ptr, number(v), true);
      case "u64":
      case "s64":
        return (cx, ptr, v) => cx.dv.setBigUint64(ptr, big(v), true);
      case "f32":
        return (cx, ptr, v) => cx.dv.setFloat32(ptr, number(v), true);
      case "f64":
        return (cx, ptr, v) => cx.dv.setFloat64(ptr, number(v), true);
      case "char":
        return (cx, ptr, v) => cx.dv.setUint32(ptr, char(v), true);
      case "string":
        if (type.wide) {
          return (cx, ptr, v) => {
            string(cx, v, encoding);
            storeWide(cx, ptr, stored.ptr, unitsToWide(stored.units, encoding));
          };
        }
        return (cx, ptr, v) => {
          string(cx, v, encoding);
          cx.dv.setUint32(ptr, stored.ptr, true);
          cx.dv.setUint32(ptr + 4, stored.units, true);
        };
      case "list": {
        if (type.length !== undefined) return this.#fixedList(type.element, type.length);
        const range = this.listRange(type.element);
        if (type.wide) return (cx, ptr, v) => storeWide(cx, ptr, range(cx, v), BigInt(lengthOf(v)));
        return (cx, ptr, v) => {
          const at = range(cx, v);
          cx.dv.setUint32(ptr, at, true);
          cx.dv.setUint32(ptr + 4, lengthOf(v), true);
        };
      }
      case "map": {
        const range = this.#mapRange(type.key, type.value);
        if (type.wide) {
          return (cx, ptr, v) => {
            const entries = entriesOf(v);
            storeWide(cx, ptr, range(cx, entries), BigInt(entries.length));
          };
        }
        return (cx, ptr, v) => {
          const entries = entriesOf(v);
          const at = range(cx, entries);
          cx.dv.setUint32(ptr, at, true);
          cx.dv.setUint32(ptr + 4, entries.length, true);
        };
      }
      case "record": {
        const parts = this.#parts(type.fields.map((f) => f.type));
        const names = type.fields.map((f) => camelCase(f.name));
        return (cx, ptr, v) => {
          const record = object(v, "a record");
          for (let i = 0; i < parts.length; i++) {
            const part = parts[i]!;
            part.store(cx, ptr + part.offset, record[names[i]!]);
          }
        };
      }
      case "tuple": {
        const parts = this.#parts(type.types);
        return (cx, ptr, v) => {
          const tuple = tupleOf(v, parts.length);
          for (let i = 0; i < parts.length; i++) {
            const part = parts[i]!;
            part.store(cx, ptr + part.offset, tuple[i]);
          }
        };
      }
      case "flags": {
        const bits = flags(type.labels);
        if (type.size === 1) return (cx, ptr, v) => cx.dv.setUint8(ptr, bits(v));
        if (type.size === 2) return (cx, ptr, v) => cx.dv.setUint16(ptr, bits(v), true);
        return (cx, ptr, v) => cx.dv.setUint32(ptr, bits(v), true);
      }
      case "variant":
      case "enum":
      case "option":
      case "result":
        return this.#variant(type);
      default: {
        const handle = this.#handle(type);
        return (cx, ptr, v) => cx.dv.setUint32(ptr, handle(cx, v), true);
      }
    }
  }

  #handle(type: ValueType): (cx: Cx, value: unknown) => number {
    switch (type.kind) {
      case "own":
        return lowerOwn(type.resource, this.#face);
      case "borrow":
        return lowerBorrow(type.resource, this.#face);
      default:
        return this.#face.lowerAsync(type);
    }
  }

  #parts(types: readonly ValueType[]): { store: Store; offset: number }[] {
    const { offsets } = inARow(types);
    return types.map((type, i) => ({ store: this.store(type), offset: offsets[i]! }));
  }

  #fixedList(element: ValueType, length: number): Store {
    const elements = this.elements(element);
    return (cx, ptr, v) => {
      if (lengthOf(v) !== length) wrong(`a list of ${length}`, v);
      elements(cx, ptr, v);
    };
  }

  /** Writes all elements of a list to where there is room for them. */
  elements(element: ValueType): Store {
    if (element.kind === "u8") return (cx, ptr, v) => cx.u8.set(v instanceof Uint8Array ? v : bytesOf(v), ptr);
    const typed = TYPED_ARRAYS[element.kind];
    const store = this.store(element);
    const { size } = element;
    const each: Store = (cx, ptr, v) => {
      const list = v as ArrayLike<unknown>;
      for (let i = 0, { length } = list; i < length; i++) store(cx, ptr + i * size, list[i]);
    };
    if (typed === undefined) return each;
    return (cx, ptr, v) => {
      if (v instanceof (typed as unknown as { new (): unknown })) {
        const view = v as unknown as ArrayBufferView;
        cx.u8.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), ptr);
      } else each(cx, ptr, v);
    };
  }

  /** Allocates and writes a list; answers where. */
  listRange(element: ValueType): Range {
    return range(this.elements(element), element);
  }

  #mapRange(key: ValueType, value: ValueType): Range {
    const [k, v] = this.#parts([key, value]);
    const entry = inARow([key, value]);
    return range((cx, ptr, entries) => {
      (entries as readonly (readonly unknown[])[]).forEach((pair, i) => {
        k!.store(cx, ptr + i * entry.size, pair[0]);
        v!.store(cx, ptr + i * entry.size + v!.offset, pair[1]);
      });
    }, entry);
  }

  #variant(type: ValueType): Store {
    const cases = payloads(type);
    const offset = payloadOffset(cases);
    const stores = cases.map((c) => c === undefined ? undefined : this.store(c));
    const match = matcher(type);
    const size = discriminantSize(cases.length);
    return (cx, ptr, v) => {
      const index = match(v);
      const payload = matched;
      if (size === 1) cx.dv.setUint8(ptr, index);
      else if (size === 2) cx.dv.setUint16(ptr, index, true);
      else cx.dv.setUint32(ptr, index, true);
      stores[index]?.(cx, ptr + offset, payload);
    };
  }

  /**
   * Lowers what becomes one i32, without a list to hold it, for the kinds that most results and parameters are of.
   * {@linkcode flat} has the numbers among them once more, for a call of this would cost it more than all that it does.
   */
  single(type: ValueType): ((cx: Cx, value: unknown) => number) | undefined {
    switch (type.kind) {
      case "bool":
        return (_, v) => v ? 1 : 0;
      case "u32":
      case "s32":
        return (_, v) => number(v) | 0;
      case "own":
      case "borrow":
        return this.#handle(type);
      default:
        return undefined;
    }
  }

  /**
   * A closure that appends the flat form of a value.
   *
   * @param want the flat types to give, which inside of variants may be wider than the type's own
   */
  flat(type: ValueType, want: readonly FlatType[] = type.flat): LowerFlat {
    const encoding = this.#encoding;
    const string = this.#face.isHost ? storeString : storeForeignString;
    const i32 = i32Writer(want[0]);
    switch (type.kind) {
      case "bool":
        return (_, v, out) => i32(out, v ? 1 : 0);
      case "u8":
        return (_, v, out) => i32(out, number(v) & 0xff);
      case "s8":
        return (_, v, out) => i32(out, number(v) << 24 >> 24);
      case "u16":
        return (_, v, out) => i32(out, number(v) & 0xffff);
      case "s16":
        return (_, v, out) => i32(out, number(v) << 16 >> 16);
      case "u32":
      case "s32":
        return (_, v, out) => i32(out, number(v) | 0);
      case "u64":
      case "s64":
        return (_, v, out) => {
          out.push(BigInt.asIntN(64, big(v)));
        };
      case "f32":
      case "f64":
        return floatWriter(type.kind, want[0]);
      case "char":
        return (_, v, out) => i32(out, char(v));
      case "string": {
        if (type.wide) {
          return (cx, v, out) => {
            string(cx, v, encoding);
            out.push(toCore(stored.ptr, true), unitsToWide(stored.units, encoding));
          };
        }
        const length = i32Writer(want[1]);
        return (cx, v, out) => {
          string(cx, v, encoding);
          i32(out, stored.ptr | 0);
          length(out, stored.units | 0);
        };
      }
      case "list": {
        if (type.length !== undefined) {
          const parts = this.#flatParts(new Array(type.length).fill(type.element), want);
          return (cx, v, out) => {
            if (lengthOf(v) !== parts.length) wrong(`a list of ${parts.length}`, v);
            parts.forEach((part, i) => part(cx, (v as ArrayLike<unknown>)[i], out));
          };
        }
        const range = this.listRange(type.element);
        if (type.wide) {
          return (cx, v, out) => {
            out.push(toCore(range(cx, v), true), BigInt(lengthOf(v)));
          };
        }
        const length = i32Writer(want[1]);
        return (cx, v, out) => {
          i32(out, range(cx, v) | 0);
          length(out, lengthOf(v));
        };
      }
      case "map": {
        const range = this.#mapRange(type.key, type.value);
        if (type.wide) {
          return (cx, v, out) => {
            const entries = entriesOf(v);
            out.push(toCore(range(cx, entries), true), BigInt(entries.length));
          };
        }
        const length = i32Writer(want[1]);
        return (cx, v, out) => {
          const entries = entriesOf(v);
          i32(out, range(cx, entries) | 0);
          length(out, entries.length);
        };
      }
      case "record": {
        const parts = this.#flatParts(type.fields.map((f) => f.type), want);
        const names = type.fields.map((f) => camelCase(f.name));
        return (cx, v, out) => {
          const record = object(v, "a record");
          for (let i = 0; i < parts.length; i++) parts[i]!(cx, record[names[i]!], out);
        };
      }
      case "tuple": {
        const parts = this.#flatParts(type.types, want);
        return (cx, v, out) => {
          const tuple = tupleOf(v, parts.length);
          for (let i = 0; i < parts.length; i++) parts[i]!(cx, tuple[i], out);
        };
      }
      case "flags": {
        const bits = flags(type.labels);
        return (_, v, out) => i32(out, bits(v) | 0);
      }
      case "variant":
      case "enum":
      case "option":
      case "result":
        return this.#flatVariant(type, want);
      default: {
        const handle = this.#handle(type);
        return (cx, v, out) => i32(out, handle(cx, v));
      }
    }
  }

  #flatParts(types: readonly ValueType[], want: readonly FlatType[]): LowerFlat[] {
    let used = 0;
    return types.map((type) => {
      const part = this.flat(type, want.slice(used));
      used += type.flat.length;
      return part;
    });
  }

  #flatVariant(type: ValueType, want: readonly FlatType[]): LowerFlat {
    const discriminant = i32Writer(want[0]);
    const lowers = payloads(type).map((c) => c === undefined ? undefined : this.flat(c, want.slice(1)));
    const match = matcher(type);
    // What is longer than this goes through memory, and what is inside a variant has the variant's own length.
    const length = type.flat.length;
    const zeros = want.slice(0, length).map((t): CoreValue => t === "i64" ? 0n : 0);
    return (cx, v, out) => {
      const end = out.length + length;
      const index = match(v);
      const payload = matched;
      discriminant(out, index);
      lowers[index]?.(cx, payload, out);
      while (out.length < end) out.push(zeros[out.length - end + length]!);
    };
  }
}
