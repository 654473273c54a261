/**
 * Builds a component that sends values of given types to its host and back: a binary, made without any tool.
 *
 * For each type, `echo-N` calls the host's `echo-N` with the flat values that it has got, and answers with what comes
 * back: everything is lowered and lifted twice, as parameters and as results.
 *
 * @module
 */
import type { WitType } from "./wit_types.ts";

export const HOST = "test:echo/host@1.0.0";

/** Where results lie in the guest's memory; its heap begins at 1 MiB. */
const RESULT_AT = 1024;

type Bytes = readonly number[];

export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if (value === 0 && (byte & 0x40) === 0 || value === -1 && (byte & 0x40) !== 0) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

const name = (text: string): number[] => {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
};
const vec = (items: readonly Bytes[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Bytes): number[] => [id, ...unsigned(content.length), ...content];

const PRIMITIVE_CODES: Readonly<Record<string, number>> = {
  bool: 0x7f,
  s8: 0x7e,
  u8: 0x7d,
  s16: 0x7c,
  u16: 0x7b,
  s32: 0x7a,
  u32: 0x79,
  s64: 0x78,
  u64: 0x77,
  f32: 0x76,
  f64: 0x75,
  char: 0x74,
  string: 0x73,
};

/** Kinds that must have a name where they cross the border of a component. */
const NAMED: readonly string[] = ["record", "variant", "enum", "flags"];

/** The types of one index space, each defined once. */
class Types {
  readonly #indices = new Map<string, number>();
  readonly #define: (bytes: Bytes) => number;
  readonly #named: (key: string, bytes: Bytes) => number;

  /**
   * @param define defines a type and answers with its index
   * @param named the same for a type that has to have a name
   */
  constructor(define: (bytes: Bytes) => number, named: (key: string, bytes: Bytes) => number) {
    this.#define = define;
    this.#named = named;
  }

  /** A type where it is used. */
  use(type: WitType): number[] {
    const code = PRIMITIVE_CODES[type.kind];
    if (code !== undefined) return [code];
    const key = JSON.stringify(type);
    let index = this.#indices.get(key);
    if (index === undefined) {
      const bytes = this.#definition(type);
      index = NAMED.includes(type.kind) ? this.#named(key, bytes) : this.#define(bytes);
      this.#indices.set(key, index);
    }
    return signed(index);
  }

  #optional(type: WitType | undefined): number[] {
    return type === undefined ? [0] : [1, ...this.use(type)];
  }

  #definition(type: WitType): number[] {
    switch (type.kind) {
      case "list":
        return type.length === undefined
          ? [0x70, ...this.use(type.element)]
          : [0x67, ...this.use(type.element), ...unsigned(type.length)];
      case "map":
        return [0x63, ...this.use(type.key), ...this.use(type.value)];
      case "option":
        return [0x6b, ...this.use(type.type)];
      case "result":
        return [0x6a, ...this.#optional(type.ok), ...this.#optional(type.err)];
      case "tuple":
        return [0x6f, ...vec(type.types.map((t) => this.use(t)))];
      case "record":
        return [0x72, ...vec(type.fields.map(([label, t]) => [...name(label), ...this.use(t)]))];
      case "variant":
        return [0x71, ...vec(type.cases.map(([label, t]) => [...name(label), ...this.#optional(t), 0]))];
      case "enum":
      case "flags":
        return [type.kind === "enum" ? 0x6d : 0x6e, ...vec(type.labels.map(name))];
      default:
        throw new Error(`${type.kind} needs no definition`);
    }
  }
}

const echoType = (types: Types, type: WitType): number[] => {
  const use = types.use(type);
  return [0x40, ...vec([[...name("v"), ...use]]), 0x00, ...use];
};

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;

const pointer = (wide: boolean): number => wide ? I64 : I32;

/** The flat form of a type, by the canonical ABI. */
function flatten(type: WitType, wide: boolean): number[] {
  switch (type.kind) {
    case "s64":
    case "u64":
      return [I64];
    case "f32":
      return [F32];
    case "f64":
      return [F64];
    case "string":
    case "map":
      return [pointer(wide), pointer(wide)];
    case "list":
      if (type.length === undefined) return [pointer(wide), pointer(wide)];
      return new Array(type.length).fill(flatten(type.element, wide)).flat();
    case "option":
      return flattenCases([undefined, type.type], wide);
    case "result":
      return flattenCases([type.ok, type.err], wide);
    case "tuple":
      return type.types.flatMap((t) => flatten(t, wide));
    case "record":
      return type.fields.flatMap(([, t]) => flatten(t, wide));
    case "variant":
      return flattenCases(type.cases.map(([, t]) => t), wide);
    default:
      return [I32];
  }
}

function flattenCases(cases: readonly (WitType | undefined)[], wide: boolean): number[] {
  const joined: number[] = [];
  for (const type of cases) {
    if (type === undefined) continue;
    flatten(type, wide).forEach((flat, i) => {
      const have = joined[i];
      const narrow = [have, flat].every((t) => t === I32 || t === F32);
      joined[i] = have === undefined || have === flat ? flat : narrow ? I32 : I64;
    });
  }
  return [I32, ...joined];
}

const core = (sections: readonly Bytes[]): number[] => [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()];

/** Arithmetic on addresses. */
const OPS32 = { const: 0x41, add: 0x6a, sub: 0x6b, and: 0x71, shl: 0x74, shrU: 0x76, leU: 0x4d, ltU: 0x49, ne: 0x47 };
const OPS64 = { const: 0x42, add: 0x7c, sub: 0x7d, and: 0x83, shl: 0x86, shrU: 0x88, leU: 0x58, ltU: 0x54, ne: 0x52 };

/** A memory, and an allocator that frees nothing. */
function libc(wide: boolean): Bytes {
  const op = wide ? OPS64 : OPS32;
  const address = pointer(wide);
  const bytesOfMemory = [0x3f, 0, op.const, 16, op.shl];
  return core([
    section(1, vec([[0x60, ...vec([[address], [address], [address], [address]]), ...vec([[address]])]])),
    section(3, vec([[0]])),
    section(5, vec([[wide ? 4 : 0, 17]])),
    section(6, vec([[address, 1, op.const, ...signed(1 << 20), 0x0b]])),
    section(7, vec([[...name("m"), 2, 0], [...name("r"), 0, 0]])),
    section(
      10,
      vec([body(
        [
          // ptr = (heap + align - 1) & -align
          ...[0x23, 0, 0x20, 2, op.add, op.const, 1, op.sub, op.const, 0, 0x20, 2, op.sub, op.and, 0x22, 4],
          // heap = ptr + size
          ...[0x20, 3, op.add, 0x24, 0],
          // Grows, if the memory ends before the heap does.
          ...[0x02, 0x40, 0x23, 0, ...bytesOfMemory, op.leU, 0x0d, 0],
          ...[0x23, 0, ...bytesOfMemory, op.sub, op.const, ...signed(65535), op.add, op.const, 16, op.shrU, 0x40, 0],
          ...[op.const, 0x7f, op.ne, 0x0d, 0, 0x00, 0x0b],
          // Copies what was there: the smaller of both sizes.
          ...[0x20, 0, op.const, 0, op.ne, 0x04, 0x40],
          ...[0x20, 4, 0x20, 0, 0x20, 1, 0x20, 3, 0x20, 1, 0x20, 3, op.ltU, 0x1b, 0xfc, 10, 0, 0, 0x0b],
          ...[0x20, 4],
        ],
        1,
        address,
      )]),
    ),
  ]);
}

function body(code: Bytes, locals: number, type = I32): number[] {
  const all = [...(locals === 0 ? [0] : [1, locals, type]), ...code, 0x0b];
  return [...unsigned(all.length), ...all];
}

/** For each type a function that passes on what it has got. */
function mainModule(types: readonly WitType[], wide: boolean): number[] {
  const address = pointer(wide);
  const signatures: number[][] = [];
  const bodies: number[][] = [];
  types.forEach((type, i) => {
    const flat = flatten(type, wide);
    const params = flat.length > 16 ? [address] : flat;
    const spills = flat.length > 1;
    signatures.push([
      0x60,
      ...vec([...params, ...(spills ? [address] : [])].map((t) => [t])),
      ...vec(spills ? [] : [flat]),
    ]);
    signatures.push([0x60, ...vec(params.map((t) => [t])), ...vec([spills ? [address] : flat])]);
    const result = [wide ? 0x42 : 0x41, ...signed(RESULT_AT)];
    bodies.push(body([
      ...params.flatMap((_, at) => [0x20, ...unsigned(at)]),
      ...(spills ? result : []),
      ...[0x10, ...unsigned(i)],
      ...(spills ? result : []),
    ], 0));
  });
  return core([
    section(1, vec(signatures)),
    section(2, vec(types.map((_, i) => [...name("h"), ...name(`f${i}`), 0, ...unsigned(2 * i)]))),
    section(3, vec(types.map((_, i) => unsigned(2 * i + 1)))),
    section(7, vec(types.map((_, i) => [...name(`f${i}`), 0, ...unsigned(types.length + i)]))),
    section(10, vec(bodies)),
  ]);
}

export type Encoding = "utf8" | "utf16" | "latin1+utf16";
const ENCODINGS: readonly Encoding[] = ["utf8", "utf16", "latin1+utf16"];

export interface EchoOptions {
  readonly encoding?: Encoding;
  /** Whether its memory is addressed by 64 bits. */
  readonly wide?: boolean;
}

/** A component whose `echo-N` echoes values of the type number N. No type may be a `result` by itself. */
export function echoComponent(
  types: readonly WitType[],
  { encoding = "utf8", wide = false }: EchoOptions = {},
): Uint8Array<ArrayBuffer> {
  const declarations: number[][] = [];
  let count = 0;
  const define = (bytes: Bytes) => {
    declarations.push([1, ...bytes]);
    return count++;
  };
  const names = new Map<string, string>();
  const imported = new Types(define, (key, bytes) => {
    const label = `t${names.size}`;
    names.set(key, label);
    declarations.push([4, 0, ...name(label), 3, 0, ...unsigned(define(bytes))]);
    return count++;
  });
  types.forEach((type, i) => {
    const func = define(echoType(imported, type));
    declarations.push([4, 0, ...name(`echo-${i}`), 1, ...unsigned(func)]);
  });

  // Types that have a name are those of the imported instance; the others are defined once more.
  const aliases = new Map([...names.keys()].map((key, i) => [key, 1 + i]));
  const definitions: number[][] = [];
  const own = new Types((bytes) => aliases.size + definitions.push([...bytes]), (key) => aliases.get(key)!);
  const funcTypes = types.map((type) => {
    const bytes = echoType(own, type);
    return aliases.size + definitions.push(bytes);
  });

  const n = types.length;
  const options = vec([[ENCODINGS.indexOf(encoding)], [3, 0], [4, 0]]);
  const coreAlias = (sort: number, instance: number, field: string) => [0, sort, 1, instance, ...name(field)];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
    ...section(7, vec([[0x42, ...vec(declarations)]])),
    ...section(10, vec([[0, ...name(HOST), 5, 0]])),
    ...section(
      6,
      vec([
        ...types.map((_, i) => [1, 0, 0, ...name(`echo-${i}`)]),
        ...[...names.values()].map((label) => [3, 0, 0, ...name(label)]),
      ]),
    ),
    ...section(1, libc(wide)),
    ...section(1, mainModule(types, wide)),
    ...section(2, vec([[0, 0, ...vec([])]])),
    ...section(6, vec([coreAlias(2, 0, "m"), coreAlias(0, 0, "r")])),
    ...section(8, vec(types.map((_, i) => [1, 0, ...unsigned(i), ...options]))),
    ...section(
      2,
      vec([
        [1, ...vec(types.map((_, i) => [...name(`f${i}`), 0, ...unsigned(1 + i)]))],
        [0, 1, ...vec([[...name("h"), 0x12, 1]])],
      ]),
    ),
    ...section(6, vec(types.map((_, i) => coreAlias(0, 2, `f${i}`)))),
    ...section(7, vec(definitions)),
    ...section(8, vec(types.map((_, i) => [0, 0, ...unsigned(1 + n + i), ...options, ...unsigned(funcTypes[i]!)]))),
    ...section(11, vec(types.map((_, i) => [0, ...name(`echo-${i}`), 1, ...unsigned(n + i), 0]))),
  ]);
}
