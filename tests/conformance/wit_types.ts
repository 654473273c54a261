/**
 * WIT types as data, and random ones with random values: all kinds, nested, empty, large, with hostile names and numbers.
 *
 * @module
 */
import { camelCase } from "../../runtime/component/mod.ts";

export const PRIMITIVES = [
  ...["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"] as const,
];

export type WitType =
  | { readonly kind: typeof PRIMITIVES[number] }
  | { readonly kind: "list"; readonly element: WitType; readonly length?: number }
  | { readonly kind: "map"; readonly key: WitType; readonly value: WitType }
  | { readonly kind: "option"; readonly type: WitType }
  | { readonly kind: "result"; readonly ok?: WitType; readonly err?: WitType }
  | { readonly kind: "tuple"; readonly types: readonly WitType[] }
  | { readonly kind: "record"; readonly fields: readonly (readonly [name: string, type: WitType])[] }
  | { readonly kind: "variant"; readonly cases: readonly (readonly [name: string, type?: WitType])[] }
  | { readonly kind: "enum" | "flags"; readonly labels: readonly string[] };

/** The first and last of what encodings and engines tell apart. */
export const CHARS = [
  "\0",
  "a",
  "\x7f",
  "\x80",
  "\xff",
  "\u0100",
  "\ud7ff",
  "\ue000",
  "\ufeff",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];

/** A random number generator whose numbers are the same each time: mulberry32. */
export class Random {
  /** The characters that strings are made of. */
  readonly chars: readonly string[];
  #state: number;

  constructor(seed: number, chars: readonly string[] = CHARS) {
    this.#state = seed;
    this.chars = chars;
  }

  /** An integer from 0 up to `end`, which it never is. */
  below(end: number): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % end;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  bits64(): bigint {
    return BigInt(this.below(2 ** 32)) << 32n | BigInt(this.below(2 ** 32));
  }
}

/** Names that mean something to JavaScript, or to whoever generates some. */
const NAMES = [
  ...["constructor", "to-string", "value-of", "prototype", "then", "length", "tag", "val", "default", "class", "new"],
  ...["delete", "arguments", "await", "a", "b2", "has-own-property", "null", "undefined", "isolate", "URL", "i-o-ABC"],
];

function labels(random: Random, count: number): string[] {
  const first = random.below(NAMES.length);
  return Array.from({ length: count }, (_, i) => count <= NAMES.length ? NAMES[(first + i) % NAMES.length]! : `l${i}`);
}

/** What the keys of a map can be. */
const KEYS = PRIMITIVES.filter((kind) => kind !== "f32" && kind !== "f64");

/**
 * A random type that is at most `depth` deep.
 *
 * @param all maps and lists of a fixed length, too
 */
export function randomType(random: Random, depth: number, all = false): WitType {
  if (depth === 0 || random.below(4) === 0) return { kind: random.one(PRIMITIVES) };
  const inner = () => randomType(random, depth - 1, all);
  const maybe = () => random.below(3) === 0 ? undefined : inner();
  switch (random.below(all ? 10 : 8)) {
    case 0:
      return { kind: "list", element: inner() };
    case 1:
      return { kind: "option", type: inner() };
    case 2: {
      const ok = maybe();
      const err = maybe();
      return { kind: "result", ...(ok === undefined ? {} : { ok }), ...(err === undefined ? {} : { err }) };
    }
    case 3:
      return { kind: "tuple", types: Array.from({ length: 1 + random.below(5) }, inner) };
    case 4:
      return { kind: "record", fields: labels(random, 1 + random.below(7)).map((name) => [name, inner()]) };
    case 5:
      return {
        kind: "variant",
        cases: labels(random, 1 + random.below(6)).map((name) => {
          const type = maybe();
          return type === undefined ? [name] : [name, type];
        }),
      };
    case 6:
      return { kind: "enum", labels: labels(random, random.one([1, 2, 20, 256, 257])) };
    case 7:
      return { kind: "flags", labels: labels(random, random.one([1, 7, 8, 9, 16, 17, 32])) };
    case 8:
      return { kind: "list", element: inner(), length: 1 + random.below(5) };
    default:
      return { kind: "map", key: { kind: random.one(KEYS) }, value: inner() };
  }
}

/** Bits and bounds of the integer types. */
const INTEGERS: Readonly<Record<string, readonly [bits: number, signed: boolean]>> = {
  s8: [8, true],
  u8: [8, false],
  s16: [16, true],
  u16: [16, false],
  s32: [32, true],
  u32: [32, false],
  s64: [64, true],
  u64: [64, false],
};

const FLOATS = [
  0,
  -0,
  1,
  -1,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  5e-324,
  3.4028234663852886e38,
  1.7976931348623157e308,
  0.1,
];

function randomString(random: Random): string {
  const length = random.one([0, 0, 1, 3, 23, 24, 25, 200]);
  const plain = random.below(2) === 0;
  let text = "";
  for (let i = 0; i < length; i++) text += plain ? "a" : random.one(random.chars);
  return text;
}

const TYPED = {
  s8: Int8Array,
  u8: Uint8Array,
  s16: Int16Array,
  u16: Uint16Array,
  s32: Int32Array,
  u32: Uint32Array,
  s64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** A random value of a type, by jco's mapping. */
export function randomValue(random: Random, type: WitType): unknown {
  switch (type.kind) {
    case "bool":
      return random.below(2) === 1;
    case "f32":
      return Math.fround(random.one(FLOATS));
    case "f64":
      return random.one(FLOATS);
    case "char":
      return random.one(random.chars);
    case "string":
      return randomString(random);
    case "list": {
      const length = type.length ?? random.one([0, 0, 1, 2, 5, 17]);
      const items = Array.from({ length }, () => randomValue(random, type.element));
      const typed = TYPED[type.element.kind as keyof typeof TYPED];
      return typed === undefined ? items : (typed as unknown as { from(items: unknown[]): unknown }).from(items);
    }
    case "map": {
      const entries = Array.from({ length: random.one([0, 1, 2, 9]) }, (): [unknown, unknown] => [
        randomValue(random, type.key),
        randomValue(random, type.value),
      ]);
      return new Map(entries);
    }
    case "option": {
      const some = random.below(3) > 0;
      const val = some ? randomValue(random, type.type) : undefined;
      if (type.type.kind === "option") return some ? { tag: "some", val } : { tag: "none" };
      return val;
    }
    case "result": {
      const tag = random.one(["ok", "err"] as const);
      return tagged(random, tag, type[tag]);
    }
    case "tuple":
      return type.types.map((t) => randomValue(random, t));
    case "record":
      return Object.fromEntries(type.fields.map(([name, t]) => [camelCase(name), randomValue(random, t)]));
    case "variant": {
      const [name, payload] = random.one(type.cases);
      return tagged(random, name, payload);
    }
    case "enum":
      return random.one(type.labels);
    case "flags":
      return Object.fromEntries(type.labels.map((label) => [camelCase(label), random.below(2) === 1]));
    default:
      return randomInteger(random, type.kind);
  }
}

function tagged(random: Random, tag: string, payload: WitType | undefined): { tag: string; val?: unknown } {
  return payload === undefined ? { tag } : { tag, val: randomValue(random, payload) };
}

function randomInteger(random: Random, kind: string): number | bigint {
  const [bits, signed] = INTEGERS[kind]!;
  const edges = [0n, 1n, 2n ** BigInt(bits) - 1n, 2n ** BigInt(bits - 1), 2n ** BigInt(bits - 1) - 1n];
  const raw = random.below(2) === 0 ? random.one(edges) : random.bits64();
  const value = signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
  return bits === 64 ? value : Number(value);
}

/** A value in a form to compare: numbers exactly, bytes by their kind, absent members left out. */
export function canonical(value: unknown): unknown {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (ArrayBuffer.isView(value)) {
    return [value.constructor.name, ...Array.from(value as unknown as ArrayLike<unknown>, canonical)];
  }
  if (Array.isArray(value)) return value.map(canonical);
  if (value instanceof Map) return ["Map", ...Array.from(value, canonical)];
  if (typeof value !== "object" || value === null) return value === undefined ? null : value;
  return Object.keys(value).sort().flatMap((key) => {
    const member = (value as Record<string, unknown>)[key];
    return member === undefined ? [] : [[key, canonical(member)]];
  });
}
