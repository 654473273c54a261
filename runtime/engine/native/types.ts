/**
 * Resolved value types: interned, with their layout in memory and their flat form.
 *
 * Implements "Alignment", "Element Size" and "Flattening" of CanonicalABI.md for 32-bit memories; for others, `wide.ts`.
 *
 * @module
 */
import type { PrimType } from "../../component/mod.ts";

export type FlatType = "i32" | "i64" | "f32" | "f64";

/** Past these, values travel through memory. */
export const MAX_FLAT_PARAMS = 16;
export const MAX_FLAT_ASYNC_PARAMS = 4;

/** Validation refuses a type of which one value would take more. */
export const MAX_ELEMENT_BYTES = 2 ** 28;

/** Nodes of a type, written out: shared parts count each time, so that no small binary makes a giant value. */
export const MAX_TYPE_NODES = 1_000_000;

/**
 * Steps of working a component out, in which what is shared counts each time that it is gone through: a small binary can
 * describe what takes for ever. The largest components of today's toolchains take some thousands.
 */
export const MAX_STEPS = 400_000;

/** Types inside types: whoever walks them must not exhaust the stack. */
export const MAX_TYPE_DEPTH = 100;

/** A resource type, made by one instance of a component or by the host. */
export interface ResourceType {
  readonly id: number;
  /** The WIT name, for messages. */
  name: string;
  /** The component instance that made it; `undefined` is the host. */
  readonly owner: number | undefined;
  /** Of a type that others see under an abstract one: what it really is. Values have this one. */
  readonly real?: ResourceType;
}

export type ValueShape =
  | { readonly kind: PrimType }
  | { readonly kind: "record"; readonly fields: readonly { readonly name: string; readonly type: ValueType }[] }
  | {
    readonly kind: "variant";
    readonly cases: readonly { readonly name: string; readonly type: ValueType | undefined }[];
  }
  | { readonly kind: "list"; readonly element: ValueType; readonly length: number | undefined }
  | { readonly kind: "tuple"; readonly types: readonly ValueType[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "option"; readonly type: ValueType }
  | { readonly kind: "result"; readonly ok: ValueType | undefined; readonly err: ValueType | undefined }
  | { readonly kind: "own" | "borrow"; readonly resource: ResourceType }
  | { readonly kind: "stream" | "future"; readonly element: ValueType | undefined }
  | { readonly kind: "map"; readonly key: ValueType; readonly value: ValueType };

/** What every value type knows of itself. Equal types are the same object. */
export interface Layout {
  readonly id: number;
  readonly size: number;
  readonly align: number;
  /** The same where addresses have 64 bits: no type may be valid for one kind of memory alone. */
  readonly size64: number;
  readonly align64: number;
  /** The flat form; one more than {@linkcode MAX_FLAT_PARAMS} stands for all that are longer. */
  readonly flat: readonly FlatType[];
  readonly nodes: number;
  readonly depth: number;
  readonly hasBorrow: boolean;
  /** Whether a handle that is given away may be in it, not counting what goes through its streams and futures. */
  readonly hasOwn: boolean;
  /** Whether lowering may need to allocate, or lifting to read, memory: it holds a string or a list. */
  readonly hasPointer: boolean;
  /** Whether its address and length have 64 bits: see `wide.ts`. */
  readonly wide?: boolean;
}

export type ValueType = ValueShape & Layout;

export interface FuncType {
  readonly async: boolean;
  readonly params: readonly { readonly name: string; readonly type: ValueType }[];
  readonly result: ValueType | undefined;
  /** Whether addresses have 64 bits: see `wide.ts`. */
  readonly wide?: boolean;
}

export function alignTo(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

/** How values lie in memory one behind the other: those of a record, a tuple, a map's entry, and a function's parameters. */
export function inARow(types: readonly ValueType[]): { offsets: number[]; size: number; align: number } {
  let size = 0;
  let align = 1;
  const offsets = types.map((type) => {
    const offset = alignTo(size, type.align);
    size = offset + type.size;
    align = Math.max(align, type.align);
    return offset;
  });
  return { offsets, size: alignTo(size, align), align };
}

/** The number of bytes of a discriminant. */
export function discriminantSize(cases: number): 1 | 2 | 4 {
  return cases <= 0x100 ? 1 : cases <= 0x1_0000 ? 2 : 4;
}

/** Where the payload of a variant with these cases lies. */
export function payloadOffset(cases: readonly (ValueType | undefined)[]): number {
  let align = 1;
  for (const type of cases) align = Math.max(align, type?.align ?? 1);
  return alignTo(discriminantSize(cases.length), align);
}

/** Whether `none` needs a tag because a plain `undefined` could be an inner `none`. */
export function isNestedOption(type: ValueType): boolean {
  return type.kind === "option" && type.type.kind === "option";
}

/** The payload types of all that is a variant underneath. */
export function payloads(type: ValueType): readonly (ValueType | undefined)[] {
  switch (type.kind) {
    case "variant":
      return type.cases.map((c) => c.type);
    case "option":
      return [undefined, type.type];
    case "result":
      return [type.ok, type.err];
    case "enum":
      return type.labels.map(() => undefined);
    default:
      return [];
  }
}

const PRIM_LAYOUT: Readonly<
  Record<Exclude<PrimType, "string">, readonly [size: number, align: number, ...flat: FlatType[]]>
> = {
  bool: [1, 1, "i32"],
  s8: [1, 1, "i32"],
  u8: [1, 1, "i32"],
  s16: [2, 2, "i32"],
  u16: [2, 2, "i32"],
  s32: [4, 4, "i32"],
  u32: [4, 4, "i32"],
  s64: [8, 8, "i64"],
  u64: [8, 8, "i64"],
  f32: [4, 4, "f32"],
  f64: [8, 8, "f64"],
  char: [4, 4, "i32"],
  "error-context": [4, 4, "i32"],
};

export function joinFlat(a: FlatType, b: FlatType): FlatType {
  if (a === b) return a;
  const narrow = (t: FlatType) => t === "i32" || t === "f32";
  return narrow(a) && narrow(b) ? "i32" : "i64";
}

/** The value types of one component: equal ones are made once. */
export class TypeTable {
  readonly #interned = new Map<string, ValueType>();
  #steps = 0;
  #resources = 0;

  /** A new resource type; no owner is the host, or somebody of whom it is not known yet who it will be. */
  resource(name: string | undefined, owner: number | undefined): ResourceType {
    const id = this.#resources++;
    return { id, name: name ?? `resource ${id}`, owner };
  }

  /** What is seen of a resource type where it is not said which one it is. */
  abstracted(name: string, type: ResourceType): ResourceType {
    return { id: this.#resources++, name, owner: undefined, real: type.real ?? type };
  }

  /** Counts steps of the component's; answers whether it may take them. */
  spend(steps: number): boolean {
    this.#steps += steps;
    return this.#steps <= MAX_STEPS;
  }

  /** @throws {RangeError} when a value of the type would be too large. */
  intern(shape: ValueShape): ValueType {
    const key = keyOf(shape);
    let type = this.#interned.get(key);
    if (type === undefined) {
      type = { ...realized(shape), ...layout(shape), id: this.#interned.size };
      if (type.size >= MAX_ELEMENT_BYTES || type.size64 >= MAX_ELEMENT_BYTES) {
        throw new RangeError("type size is too large");
      }
      if (type.nodes > MAX_TYPE_NODES) throw new RangeError("effective type size exceeds the limit");
      if (type.depth > MAX_TYPE_DEPTH) throw new RangeError("type nesting is too deep");
      this.#interned.set(key, type);
    }
    return type;
  }
}

function realized(shape: ValueShape): ValueShape {
  if (shape.kind !== "own" && shape.kind !== "borrow" || shape.resource.real === undefined) return shape;
  return { kind: shape.kind, resource: shape.resource.real };
}

const id = (type: ValueType | undefined) => type === undefined ? "_" : type.id;

function keyOf(shape: ValueShape): string {
  switch (shape.kind) {
    case "record":
      return JSON.stringify(["record", ...shape.fields.map((f) => [f.name, f.type.id])]);
    case "variant":
      return JSON.stringify(["variant", ...shape.cases.map((c) => [c.name, id(c.type)])]);
    case "flags":
    case "enum":
      return JSON.stringify([shape.kind, ...shape.labels]);
    case "list":
      return `list ${shape.element.id} ${shape.length ?? "_"}`;
    case "tuple":
      return `tuple ${shape.types.map(id).join(" ")}`;
    case "option":
      return `option ${shape.type.id}`;
    case "result":
      return `result ${id(shape.ok)} ${id(shape.err)}`;
    case "own":
    case "borrow":
      return `${shape.kind} ${shape.resource.id}`;
    case "stream":
    case "future":
      return `${shape.kind} ${id(shape.element)}`;
    case "map":
      return `map ${shape.key.id} ${shape.value.id}`;
    default:
      return shape.kind;
  }
}

type LayoutOnly = Omit<Layout, "id">;

/** The layout in 32-bit memories; types inside that are laid out for others keep theirs. */
export function layout(shape: ValueShape): LayoutOnly {
  switch (shape.kind) {
    case "record":
      return product(shape.fields.map((f) => f.type));
    case "tuple":
      return product(shape.types);
    case "variant":
      return sum(shape.cases.map((c) => c.type));
    case "option":
      return sum([undefined, shape.type]);
    case "result":
      return sum([shape.ok, shape.err]);
    case "enum": {
      const size = discriminantSize(shape.labels.length);
      return leaf(size, size, "i32");
    }
    case "flags": {
      const n = shape.labels.length;
      const size = n <= 8 ? 1 : n <= 16 ? 2 : 4;
      return leaf(size, size, "i32");
    }
    case "own":
      return { ...leaf(4, 4, "i32"), hasOwn: true };
    case "borrow":
      return { ...leaf(4, 4, "i32"), hasBorrow: true };
    case "stream":
    case "future":
      return {
        ...leaf(4, 4, "i32"),
        nodes: 1 + (shape.element?.nodes ?? 0),
        depth: 1 + (shape.element?.depth ?? 0),
      };
    case "map": {
      const nodes = 1 + shape.key.nodes + shape.value.nodes;
      const depth = 1 + Math.max(shape.key.depth, shape.value.depth);
      return { ...pointer(), nodes, depth, ...contents([shape.key, shape.value]), hasPointer: true };
    }
    case "list": {
      const { element, length } = shape;
      if (length === undefined) {
        const nodes = 1 + element.nodes;
        const { hasBorrow, hasOwn, depth } = element;
        return { ...pointer(), nodes, depth: 1 + depth, hasBorrow, hasOwn };
      }
      const flat: FlatType[] = [];
      for (let i = 0; i < length && flat.length <= MAX_FLAT_PARAMS; i++) flat.push(...element.flat);
      const { align, align64, hasBorrow, hasOwn, hasPointer } = element;
      return {
        align,
        align64,
        hasBorrow,
        hasOwn,
        hasPointer,
        size: element.size * length,
        size64: element.size64 * length,
        flat: flat.slice(0, MAX_FLAT_PARAMS + 1),
        nodes: 1 + element.nodes,
        depth: 1 + element.depth,
      };
    }
    case "string":
      return pointer();
    default: {
      const [size, align, ...flat] = PRIM_LAYOUT[shape.kind];
      return leaf(size, align, ...flat);
    }
  }
}

function leaf(size: number, align: number, ...flat: FlatType[]): LayoutOnly {
  const nothing = { hasBorrow: false, hasOwn: false, hasPointer: false };
  return { size, align, size64: size, align64: align, flat, nodes: 1, depth: 1, ...nothing };
}

/** An address and a length. */
function pointer(): LayoutOnly {
  return { ...leaf(8, 4, "i32", "i32"), size64: 16, align64: 8, hasPointer: true };
}

function product(types: readonly ValueType[]): LayoutOnly {
  let size = 0;
  let align = 1;
  let size64 = 0;
  let align64 = 1;
  let nodes = 1;
  let depth = 0;
  const flat: FlatType[] = [];
  for (const type of types) {
    size = alignTo(size, type.align) + type.size;
    align = Math.max(align, type.align);
    size64 = alignTo(size64, type.align64) + type.size64;
    align64 = Math.max(align64, type.align64);
    nodes += type.nodes;
    depth = Math.max(depth, type.depth);
    if (flat.length <= MAX_FLAT_PARAMS) flat.push(...type.flat);
  }
  return {
    size: alignTo(size, align),
    align,
    size64: alignTo(size64, align64),
    align64,
    flat: flat.slice(0, MAX_FLAT_PARAMS + 1),
    nodes,
    depth: depth + 1,
    ...contents(types),
  };
}

function sum(cases: readonly (ValueType | undefined)[]): LayoutOnly {
  const offset = payloadOffset(cases);
  const discriminant = discriminantSize(cases.length);
  let size = 0;
  let align: number = discriminant;
  let size64 = 0;
  let align64: number = discriminant;
  let nodes = 1;
  let depth = 0;
  const flat: FlatType[] = ["i32"];
  for (const type of cases) {
    if (type === undefined) continue;
    size = Math.max(size, type.size);
    align = Math.max(align, type.align);
    size64 = Math.max(size64, type.size64);
    align64 = Math.max(align64, type.align64);
    nodes += type.nodes;
    depth = Math.max(depth, type.depth);
    type.flat.forEach((t, i) => {
      const have = flat[i + 1];
      flat[i + 1] = have === undefined ? t : joinFlat(have, t);
    });
  }
  return {
    size: alignTo(offset + size, align),
    align,
    // The payload lies where the alignment of the whole lets it: the discriminant's is part of that.
    size64: alignTo(alignTo(discriminant, align64) + size64, align64),
    align64,
    flat: flat.slice(0, MAX_FLAT_PARAMS + 1),
    nodes,
    depth: depth + 1,
    ...contents(cases),
  };
}

function contents(types: readonly (ValueType | undefined)[]): Pick<Layout, "hasBorrow" | "hasOwn" | "hasPointer"> {
  return {
    hasOwn: types.some((t) => t?.hasOwn ?? false),
    hasBorrow: types.some((t) => t?.hasBorrow ?? false),
    hasPointer: types.some((t) => t?.hasPointer ?? false),
  };
}
