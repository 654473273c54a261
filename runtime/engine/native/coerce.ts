/**
 * JavaScript values on their way to being lowered: checked, and taken apart.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import { isNestedOption, type ValueType } from "./types.ts";

export function wrong(expected: string, value: unknown): never {
  const got = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  throw new TypeError(
    `expected ${expected}, got ${got}${typeof value === "string" ? ` ${JSON.stringify(value)}` : ""}`,
  );
}

export function number(value: unknown): number {
  return typeof value === "number" ? value : wrong("a number", value);
}

export function big(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : wrong("a bigint", value);
}

export function char(value: unknown): number {
  const code = typeof value === "string" ? value.codePointAt(0) : undefined;
  if (code === undefined || (value as string).length !== (code > 0xffff ? 2 : 1) || code >= 0xd800 && code <= 0xdfff) {
    return wrong("a string of one character", value);
  }
  return code;
}

export function object(value: unknown, what: string): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : wrong(what, value);
}

/** The length of what is to be lowered as a list. */
export function lengthOf(value: unknown): number {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return (value as ArrayLike<unknown>).length;
  if (value instanceof ArrayBuffer) return value.byteLength;
  return wrong("a list", value);
}

export function bytesOf(value: unknown): ArrayLike<number> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  for (const byte of value as unknown[]) number(byte);
  return value as number[];
}

export function entriesOf(value: unknown): (readonly unknown[])[] {
  if (value instanceof Map) return [...value];
  if (Array.isArray(value)) return value;
  return wrong("a Map", value);
}

export function tupleOf(value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) wrong(`a tuple of ${length}`, value);
  return value as unknown[];
}

export function flags(labels: readonly string[]): (value: unknown) => number {
  const names = labels.map(camelCase);
  return (value) => {
    const given = object(value, "an object of flags");
    let bits = 0;
    for (let i = 0; i < names.length; i++) if (given[names[i]!]) bits |= 1 << i;
    return bits >>> 0;
  };
}

/** The payload of what was last matched. A pair as a result would cost an object for each value. */
export let matched: unknown;

/** Finds the case of a JavaScript value, and leaves its payload in {@linkcode matched}. */
export function matcher(type: ValueType): (value: unknown) => number {
  switch (type.kind) {
    case "enum": {
      const indices = new Map(type.labels.map((label, i): [unknown, number] => [label, i]));
      return (value) => {
        matched = undefined;
        return indices.get(value) ?? wrong(`one of ${type.labels.join(", ")}`, value);
      };
    }
    case "option":
      if (!isNestedOption(type)) {
        return (value) => {
          matched = value;
          return value === undefined || value === null ? 0 : 1;
        };
      }
      return tagged(["none", "some"]);
    case "result":
      // Most calls of the host answer with one: no table is as fast.
      return (value) => {
        const { tag, val } = object(value, "an object with a tag of ok, err");
        matched = val;
        return tag === "ok" ? 0 : tag === "err" ? 1 : wrong("a tag of ok, err", tag);
      };
    default:
      return tagged(type.kind === "variant" ? type.cases.map((c) => c.name) : []);
  }
}

function tagged(tags: readonly string[]): (value: unknown) => number {
  const indices = new Map(tags.map((tag, i): [unknown, number] => [tag, i]));
  return (value) => {
    const { tag, val } = object(value, `an object with a tag of ${tags.join(", ")}`);
    matched = val;
    return indices.get(tag) ?? wrong(`a tag of ${tags.join(", ")}`, tag);
  };
}
