/**
 * Decodes core types, as they stand in component types.
 *
 * @module
 */
import type {
  CoreExternType,
  CoreFuncType,
  CoreLimits,
  CoreModuleDecl,
  CoreModuleType,
  CoreTypeDef,
  CoreValType,
} from "./model.ts";
import { hex, type Reader } from "./reader.ts";

const NUMBER_TYPES: Readonly<Record<number, CoreValType>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
};

const HEAP_TYPES: Readonly<Record<number, string>> = {
  0x74: "noexn",
  0x73: "nofunc",
  0x72: "noextern",
  0x71: "none",
  0x70: "func",
  0x6f: "extern",
  0x6e: "any",
  0x6d: "eq",
  0x6c: "i31",
  0x6b: "struct",
  0x6a: "array",
  0x69: "exn",
};

export function coreValType(r: Reader): CoreValType {
  const at = r.pos;
  const code = r.u8();
  const number = NUMBER_TYPES[code];
  if (number !== undefined) return number;
  const heap = HEAP_TYPES[code];
  if (heap !== undefined) return `${heap}ref`;
  if (code === 0x63 || code === 0x64) {
    const nullable = code === 0x63;
    const target = r.s33();
    if (target >= 0) return `(ref ${nullable ? "null " : ""}${target})`;
    const name = HEAP_TYPES[target + 128];
    if (name === undefined) r.fail("invalid heap type", at);
    return nullable ? `${name}ref` : `(ref ${name})`;
  }
  return r.fail(`invalid value type 0x${hex(code)}`, at);
}

/** Parameters or results of one function, and fields of one structure, as engines limit them. */
const MAX_CORE_PARAMS = 1000;
const MAX_CORE_FIELDS = 10_000;

function coreFuncType(r: Reader): CoreFuncType {
  return {
    kind: "core-func",
    params: r.vec("parameters", () => coreValType(r), MAX_CORE_PARAMS),
    results: r.vec("results", () => coreValType(r), MAX_CORE_PARAMS),
  };
}

export function coreLimits(r: Reader): CoreLimits {
  const at = r.pos;
  const flags = r.u8();
  if (flags > 15) r.fail("invalid limits flags", at);
  const is64 = (flags & 4) !== 0;
  const bound = () => is64 ? r.u64() : BigInt(r.u32());
  const min = bound();
  const max = flags & 1 ? bound() : undefined;
  const pageSizeLog2 = flags & 8 ? r.u32() : undefined;
  return {
    min,
    shared: (flags & 2) !== 0,
    is64,
    ...(max === undefined ? {} : { max }),
    ...(pageSizeLog2 === undefined ? {} : { pageSizeLog2 }),
  };
}

export function coreExternType(r: Reader): CoreExternType {
  const at = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x00:
      return { kind: "func", type: r.u32() };
    case 0x01: {
      const element = coreValType(r);
      const limits = coreLimits(r);
      // Nothing that is not shared may be in it, and such types are of a later proposal.
      if (limits.shared) r.fail("shared tables must have a shared element type", at);
      return { kind: "table", element, limits };
    }
    case 0x02: {
      const limits = coreLimits(r);
      const most = (limits.is64 ? 2n ** 64n : 2n ** 32n) >> BigInt(limits.pageSizeLog2 ?? 16);
      if (limits.min > most || limits.max !== undefined && limits.max > most) {
        r.fail(`memory size must be at most ${most} pages`, at);
      }
      return { kind: "memory", limits };
    }
    case 0x03:
      return {
        kind: "global",
        type: coreValType(r),
        mutable: r.flag("mutability"),
      };
    case 0x04: {
      if (r.u8() !== 0) r.fail("invalid tag attribute", at);
      return { kind: "tag", type: r.u32() };
    }
    default:
      return r.fail(`invalid core extern kind 0x${hex(code)}`, at);
  }
}

/** A core type definition at the component level. */
export function coreTypeDef(r: Reader): CoreTypeDef {
  const at = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x60:
      return coreFuncType(r);
    case 0x50:
      return coreModuleType(r);
    case 0x00: {
      if (r.u8() !== 0x50) r.fail("invalid leading byte for core type", at);
      r.pos--;
      subType(r);
      return { kind: "core-other", text: text(r, at), types: 1 };
    }
    case 0x4e: {
      const count = r.vec("types of a group", () => subType(r)).length;
      return { kind: "core-other", text: text(r, at), types: count };
    }
    case 0x4f:
    case 0x5e:
    case 0x5f:
      r.pos--;
      subType(r);
      return { kind: "core-other", text: text(r, at), types: 1 };
    default:
      return r.fail(`invalid leading byte 0x${hex(code)} for core type`, at);
  }
}

function text(r: Reader, from: number): string {
  return Array.from(r.bytes.subarray(from, r.pos), hex).join("");
}

function subType(r: Reader): void {
  const at = r.pos;
  let code = r.u8();
  if (code === 0x50 || code === 0x4f) {
    r.vec("supertypes", () => r.u32());
    code = r.u8();
  }
  switch (code) {
    case 0x60:
      coreFuncType(r);
      return;
    case 0x5e:
      fieldType(r);
      return;
    case 0x5f:
      r.vec("fields", () => fieldType(r), MAX_CORE_FIELDS);
      return;
    default:
      r.fail(`invalid core composite type 0x${hex(code)}`, at);
  }
}

function fieldType(r: Reader): void {
  const code = r.peek();
  if (code === 0x78 || code === 0x77) r.u8();
  else coreValType(r);
  r.flag("mutability");
}

function coreModuleType(r: Reader): CoreModuleType {
  const at = r.pos;
  const declarations = r.vec("module declarations", () => moduleDecl(r));
  checkModuleType(r, declarations, at);
  return { kind: "core-module-type", declarations };
}

/** What needs no more than the declarations themselves: their names, and the types that they number. */
function checkModuleType(r: Reader, declarations: readonly CoreModuleDecl[], at: number): void {
  const names = { import: new Set<string>(), export: new Set<string>() };
  let types = 0;
  for (const d of declarations) {
    if (d.kind === "type") types += d.type.kind === "core-other" ? d.type.types : 1;
    else if (d.kind === "alias") types++;
    else {
      const key = d.kind === "import" ? JSON.stringify([d.module, d.name]) : JSON.stringify(d.name);
      if (names[d.kind].has(key)) r.fail(`duplicate ${d.kind} name ${key}`, at);
      names[d.kind].add(key);
      const { type } = d;
      if ((type.kind === "func" || type.kind === "tag") && type.type >= types) {
        r.fail(`unknown core type ${type.type}: type index out of bounds`, at);
      }
    }
  }
}

function moduleDecl(r: Reader): CoreModuleDecl {
  const at = r.pos;
  const code = r.u8();
  switch (code) {
    case 0x00:
      return {
        kind: "import",
        module: r.string(),
        name: r.string(),
        type: coreExternType(r),
      };
    case 0x01: {
      const type = coreTypeDef(r);
      if (type.kind === "core-module-type") {
        r.fail("a module type cannot stand inside a module type", at);
      }
      return { kind: "type", type };
    }
    case 0x02: {
      if (r.u8() !== 0x10 || r.u8() !== 0x01) {
        r.fail("invalid alias in a module type", at);
      }
      return { kind: "alias", count: r.u32(), index: r.u32() };
    }
    case 0x03:
      return { kind: "export", name: r.string(), type: coreExternType(r) };
    default:
      return r.fail(
        `invalid leading byte 0x${hex(code)} for module declaration`,
        at,
      );
  }
}
