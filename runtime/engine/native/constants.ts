/**
 * Constant values as they stand in a binary.
 *
 * Implements `val` of "Value Definitions" in Binary.md. What comes of it has the forms of jco's mapping.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import type { Reader } from "../../component/reader.ts";
import { TYPED_ARRAYS } from "./lift.ts";
import { isNestedOption, payloads, type ValueType } from "./types.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where a constant is read from, and where it begins. */
export type ConstantReader = Pick<Reader, "u8" | "u32" | "take" | "string" | "vec" | "flag" | "fail" | "pos">;

/**
 * Reads a constant of a type.
 *
 * @throws {SkerryError} `component-malformed`, with the offset.
 */
export function readConstant(r: ConstantReader, type: ValueType): unknown {
  const { kind } = type;
  switch (kind) {
    case "bool":
      return r.flag("a boolean");
    case "u8":
      return r.u8();
    case "s8":
      return r.u8() << 24 >> 24;
    case "u16":
    case "u32":
      return Number(integer(r, kind === "u16" ? 16 : 32, false));
    case "s16":
    case "s32":
      return Number(integer(r, kind === "s16" ? 16 : 32, true));
    case "u64":
    case "s64":
      return integer(r, 64, kind === "s64");
    case "f32":
    case "f64":
      return float(r, kind);
    case "char":
      return char(r);
    case "string":
      return r.string("value");
    case "record":
      return Object.fromEntries(type.fields.map(({ name, type }) => [camelCase(name), readConstant(r, type)]));
    case "tuple":
      return type.types.map((type) => readConstant(r, type));
    case "list": {
      if (type.length !== undefined) break;
      const { element } = type;
      const values = r.vec("values", () => readConstant(r, element));
      const typed = element.kind === "u8" ? Uint8Array : TYPED_ARRAYS[element.kind];
      return typed === undefined ? values : (typed as unknown as { from(values: unknown[]): unknown }).from(values);
    }
    case "flags": {
      const bytes = r.take(Math.ceil(type.labels.length / 8), "flags");
      return Object.fromEntries(type.labels.map((name, i) => [camelCase(name), (bytes[i >> 3]! >> (i & 7) & 1) === 1]));
    }
    case "enum":
      return type.labels[discriminant(r, type.labels.length)];
    case "variant": {
      const { name, type: payload } = type.cases[discriminant(r, type.cases.length)]!;
      return payload === undefined ? { tag: name } : { tag: name, val: readConstant(r, payload) };
    }
    case "option": {
      const value = r.flag("an option") ? { val: readConstant(r, type.type) } : undefined;
      if (isNestedOption(type)) return value === undefined ? { tag: "none" } : { tag: "some", ...value };
      return value?.val;
    }
    case "result": {
      const index = r.flag("a result") ? 1 : 0;
      const payload = payloads(type)[index];
      return { tag: index === 0 ? "ok" : "err", val: payload && readConstant(r, payload) };
    }
  }
  return r.fail(`a value of type ${kind} cannot be written down`);
}

function discriminant(r: ConstantReader, count: number): number {
  const at = r.pos;
  const index = r.u32();
  return index < count ? index : r.fail(`there is no case ${index}`, at);
}

/** A LEB128 of so many bits. */
function integer(r: ConstantReader, bits: number, isSigned: boolean): bigint {
  const at = r.pos;
  let result = 0n;
  for (let shift = 0; shift < bits; shift += 7) {
    const byte = r.u8();
    result |= BigInt(byte & 0x7f) << BigInt(shift);
    if (byte >= 0x80) continue;
    if (isSigned && byte & 0x40) result -= 1n << BigInt(shift + 7);
    const fits = isSigned ? BigInt.asIntN(bits, result) : BigInt.asUintN(bits, result);
    return fits === result ? result : r.fail(`integer too large for ${bits} bits`, at);
  }
  return r.fail("integer representation too long", at);
}

/** There is one NaN. */
function float(r: ConstantReader, kind: "f32" | "f64"): number {
  const at = r.pos;
  const size = kind === "f32" ? 4 : 8;
  const bytes = r.take(size, "a float");
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const value = kind === "f32" ? view.getFloat32(0, true) : view.getFloat64(0, true);
  const canonical = kind === "f32"
    ? view.getUint32(0, true) === 0x7fc0_0000
    : view.getBigUint64(0, true) === 0x7ff8_0000_0000_0000n;
  return Number.isNaN(value) && !canonical ? r.fail("a NaN that is not the canonical one", at) : value;
}

function char(r: ConstantReader): string {
  const at = r.pos;
  const first = r.u8();
  const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  const bytes = new Uint8Array([first, ...r.take(more, "a character")]);
  try {
    const text = utf8.decode(bytes);
    if (text.length === (more === 3 ? 2 : 1)) return text;
  } catch {
    // Said below.
  }
  return r.fail("malformed UTF-8 encoding in a character", at);
}
