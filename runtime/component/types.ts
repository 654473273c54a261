/**
 * Decodes types, aliases, imports and exports of the component level.
 *
 * @module
 */
import { coreTypeDef, coreValType } from "./core_types.ts";
import type {
  AliasDef,
  Case,
  CoreSort,
  Declaration,
  ExternName,
  ExternType,
  Field,
  FuncTypeDef,
  ImportDef,
  PrimType,
  Sort,
  SortIndex,
  TypeDef,
  ValType,
} from "./model.ts";
import { isExternName, isLabel } from "./names.ts";
import { hex, type Reader } from "./reader.ts";

/** Types and components inside each other: deeper ones could exhaust the stack of whoever walks them. */
export const MAX_NESTING = 100;

/** Fields, cases, labels or types in one type, and parameters of one function: as many as wasm-tools allows. */
export const MAX_MEMBERS = 10_000;
export const MAX_PARAMS = 1000;

const PRIMITIVES: Readonly<Record<number, PrimType>> = {
  0x7f: "bool",
  0x7e: "s8",
  0x7d: "u8",
  0x7c: "s16",
  0x7b: "u16",
  0x7a: "s32",
  0x79: "u32",
  0x78: "s64",
  0x77: "u64",
  0x76: "f32",
  0x75: "f64",
  0x74: "char",
  0x73: "string",
  0x64: "error-context",
};

const CORE_SORTS: Readonly<Record<number, CoreSort>> = {
  0x00: "func",
  0x01: "table",
  0x02: "memory",
  0x03: "global",
  0x04: "tag",
  0x10: "type",
  0x11: "module",
  0x12: "instance",
};

const SORTS: Readonly<Record<number, Sort>> = {
  0x01: "func",
  0x02: "value",
  0x03: "type",
  0x04: "component",
  0x05: "instance",
};

export function coreSort(r: Reader): CoreSort {
  const at = r.pos;
  const code = r.u8();
  return CORE_SORTS[code] ?? r.fail(`invalid core sort 0x${hex(code)}`, at);
}

export function sort(r: Reader): Sort {
  const at = r.pos;
  const code = r.u8();
  if (code === 0) return `core ${coreSort(r)}`;
  return SORTS[code] ?? r.fail(`invalid sort 0x${hex(code)}`, at);
}

export function sortIndex(r: Reader): SortIndex {
  return { sort: sort(r), index: r.u32() };
}

export function valType(r: Reader): ValType {
  const at = r.pos;
  const code = r.s33();
  if (code >= 0) return code;
  return PRIMITIVES[code + 128] ?? r.fail("invalid value type", at);
}

function label(r: Reader): string {
  const at = r.pos;
  const name = r.string("label");
  return isLabel(name) ? name : r.fail(`${JSON.stringify(name)} is not in kebab case`, at);
}

/** Names that differ in case alone would be the same in some languages. */
function distinct<T>(r: Reader, at: number, items: T[], nameOf: (item: T) => string): T[] {
  const seen = new Set<string>();
  for (const item of items) {
    const name = nameOf(item).toLowerCase();
    if (seen.has(name)) r.fail(`name ${JSON.stringify(nameOf(item))} conflicts with previous name`, at);
    seen.add(name);
  }
  return items;
}

const nameOf = (item: { readonly name: string }) => item.name;
const itself = (name: string) => name;

function field(r: Reader): Field {
  return { name: label(r), type: valType(r) };
}

function variantCase(r: Reader): Case {
  const name = label(r);
  const type = r.optional("case payload", () => valType(r));
  const at = r.pos;
  if (r.u8() !== 0) r.fail("invalid refinement of a case", at);
  return { name, ...(type === undefined ? {} : { type }) };
}

function nonEmpty<T>(r: Reader, at: number, what: string, items: T[]): T[] {
  if (items.length === 0) r.fail(`${what} must not be empty`, at);
  return items;
}

export function resultList(r: Reader): ValType | undefined {
  const at = r.pos;
  const code = r.u8();
  if (code === 0) return valType(r);
  if (code !== 1 || r.u8() !== 0) r.fail("invalid result list", at);
  return undefined;
}

function funcType(r: Reader, async: boolean): FuncTypeDef {
  const at = r.pos;
  const params = distinct(r, at, r.vec("parameters", () => field(r), MAX_PARAMS), nameOf);
  const result = resultList(r);
  return {
    kind: "func",
    async,
    params,
    ...(result === undefined ? {} : { result }),
  };
}

/** A type definition. */
export function typeDef(r: Reader, depth: number): TypeDef {
  if (depth > MAX_NESTING) r.fail(`nesting deeper than ${MAX_NESTING}`);
  const at = r.pos;
  const code = r.u8();
  const prim = PRIMITIVES[code];
  if (prim !== undefined) return { kind: "prim", prim };
  switch (code) {
    case 0x72:
      return {
        kind: "record",
        fields: nonEmpty(r, at, "record", distinct(r, at, r.vec("fields", () => field(r), MAX_MEMBERS), nameOf)),
      };
    case 0x71:
      return {
        kind: "variant",
        cases: nonEmpty(r, at, "variant", distinct(r, at, r.vec("cases", () => variantCase(r), MAX_MEMBERS), nameOf)),
      };
    case 0x70:
      return { kind: "list", element: valType(r) };
    case 0x67:
      return { kind: "list", element: valType(r), length: fixedLength(r) };
    case 0x6f:
      return {
        kind: "tuple",
        types: nonEmpty(r, at, "tuple", r.vec("types", () => valType(r), MAX_MEMBERS)),
      };
    case 0x6e: {
      const labels = distinct(r, at, r.vec("flags", () => label(r), MAX_MEMBERS), itself);
      if (labels.length > 32) r.fail("cannot have more than 32 flags", at);
      return { kind: "flags", labels: nonEmpty(r, at, "flags", labels) };
    }
    case 0x6d:
      return {
        kind: "enum",
        labels: nonEmpty(
          r,
          at,
          "enum",
          distinct(r, at, r.vec("cases", () => label(r), MAX_MEMBERS), itself),
        ),
      };
    case 0x6b:
      return { kind: "option", type: valType(r) };
    case 0x6a: {
      const ok = r.optional("result", () => valType(r));
      const err = r.optional("result error", () => valType(r));
      return {
        kind: "result",
        ...(ok === undefined ? {} : { ok }),
        ...(err === undefined ? {} : { err }),
      };
    }
    case 0x69:
      return { kind: "own", resource: r.u32() };
    case 0x68:
      return { kind: "borrow", resource: r.u32() };
    case 0x66:
    case 0x65: {
      const element = r.optional("element", () => valType(r));
      return {
        kind: code === 0x66 ? "stream" : "future",
        ...(element === undefined ? {} : { element }),
      };
    }
    case 0x63:
      return { kind: "map", key: valType(r), value: valType(r) };
    case 0x40:
      return funcType(r, false);
    case 0x43:
      return funcType(r, true);
    case 0x3f: {
      const rep = coreValType(r);
      const dtor = r.optional("destructor", () => r.u32());
      return { kind: "resource", rep, ...(dtor === undefined ? {} : { dtor }) };
    }
    case 0x41:
    case 0x42: {
      const component = code === 0x41;
      return {
        kind: component ? "component-type" : "instance-type",
        declarations: r.vec(
          "declarations",
          () => declaration(r, depth + 1, component),
        ),
      };
    }
    default:
      return r.fail(`invalid leading byte 0x${hex(code)} for type`, at);
  }
}

function fixedLength(r: Reader): number {
  const at = r.pos;
  const length = r.u32();
  if (length === 0) r.fail("a fixed-length list must not be empty", at);
  return length;
}

function declaration(
  r: Reader,
  depth: number,
  component: boolean,
): Declaration {
  const offset = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x00:
      return { kind: "core-type", type: coreTypeDef(r), offset };
    case 0x01:
      return { kind: "type", type: typeDef(r, depth), offset };
    case 0x02:
      return { ...alias(r), offset };
    case 0x03:
      if (!component) break;
      return { ...importDef(r), offset };
    case 0x04:
      return {
        kind: "export-decl",
        name: externName(r),
        type: externType(r),
        offset,
      };
  }
  return r.fail(`invalid leading byte 0x${hex(code)} for declaration`, offset);
}

export function alias(r: Reader): AliasDef {
  const aliased = sort(r);
  const at = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x00:
      return {
        kind: "alias",
        sort: aliased,
        target: { kind: "export", instance: r.u32(), name: r.string() },
      };
    case 0x01:
      return {
        kind: "alias",
        sort: aliased,
        target: { kind: "core-export", instance: r.u32(), name: r.string() },
      };
    case 0x02:
      return {
        kind: "alias",
        sort: aliased,
        target: { kind: "outer", count: r.u32(), index: r.u32() },
      };
    default:
      return r.fail(`invalid leading byte 0x${hex(code)} for alias`, at);
  }
}

export function externName(r: Reader): ExternName {
  const at = r.pos;
  const code = r.u8();
  if (code > 2) r.fail(`invalid leading byte 0x${hex(code)} for name`, at);
  const name = r.string();
  const found: Record<string, string> = {};
  if (code === 2) {
    r.vec("attributes", () => {
      const attributeAt = r.pos;
      const attribute = r.u8();
      const key = ["implements", "versionSuffix", "externalId"][attribute];
      if (key === undefined) r.fail("invalid attribute", attributeAt);
      if (key in found) r.fail("duplicate attribute", attributeAt);
      found[key] = r.string("attribute");
    });
  }
  if (!isExternName(name, "versionSuffix" in found)) r.fail(`${JSON.stringify(name)} is not a valid extern name`, at);
  return { name, ...found };
}

export function importDef(r: Reader): ImportDef {
  return { kind: "import", name: externName(r), type: externType(r) };
}

export function externType(r: Reader): ExternType {
  const at = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x00:
      if (r.u8() !== 0x11) r.fail("invalid extern type", at);
      return { kind: "core-module", type: r.u32() };
    case 0x01:
      return { kind: "func", type: r.u32() };
    case 0x02:
      // wasm-tools 1.263 leaves the byte out that says which of both it is; a primitive type is neither of its values.
      if (PRIMITIVES[r.peek()] !== undefined) return { kind: "value", type: valType(r) };
      return r.flag("value bound") ? { kind: "value", type: valType(r) } : { kind: "value-eq", index: r.u32() };
    case 0x03:
      return r.flag("type bound") ? { kind: "type-resource" } : { kind: "type-eq", type: r.u32() };
    case 0x04:
      return { kind: "component", type: r.u32() };
    case 0x05:
      return { kind: "instance", type: r.u32() };
    default:
      return r.fail(`invalid leading byte 0x${hex(code)} for extern type`, at);
  }
}
