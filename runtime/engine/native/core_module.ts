/**
 * As much of a core module as linking needs: its imports and exports with their types.
 *
 * Whether the module is valid is for `WebAssembly.compile` to say.
 *
 * @module
 */
import { coreExternType, coreTypeDef, coreValType } from "../../component/core_types.ts";
import type { CoreExternType, CoreFuncType } from "../../component/mod.ts";
import { Reader } from "../../component/reader.ts";

export type CoreKind = CoreExternType["kind"];

/** Of a function: its type, when it is a plain one. */
export interface CoreEntity {
  readonly kind: CoreKind;
  readonly func: CoreFuncType | undefined;
  readonly type: CoreExternType | undefined;
}

export interface CoreImport extends CoreEntity {
  readonly module: string;
  readonly name: string;
}

export interface CoreModuleShape {
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreEntity>;
  readonly exportIndices: ReadonlyMap<string, { readonly kind: CoreKind; readonly index: number }>;
  readonly hasStart: boolean;
  /** Where each section of an id lies, custom sections left out. */
  readonly sections: ReadonlyMap<number, { readonly start: number; readonly end: number }>;
  /** Imported functions, and all. */
  readonly importedFunctions: number;
  readonly functions: readonly (CoreFuncType | undefined)[];
}

const KINDS: readonly CoreKind[] = ["func", "table", "memory", "global", "tag"];

/** Reads the shape of the core module between `start` and `end`. */
export function coreModuleShape(bytes: Uint8Array, start: number, end: number, name: string): CoreModuleShape {
  const r = new Reader(bytes, name, start + 8, end);
  const types: (CoreFuncType | undefined)[] = [];
  const spaces: Record<CoreKind, (CoreExternType | undefined)[]> = {
    func: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };
  const imports: CoreImport[] = [];
  const exportIndices = new Map<string, { kind: CoreKind; index: number }>();
  const sections = new Map<number, { start: number; end: number }>();
  const entity = (kind: CoreKind, type: CoreExternType | undefined): CoreEntity => ({
    kind,
    type,
    func: type?.kind === "func" ? types[type.type] : undefined,
  });
  while (!r.done) {
    const id = r.u8();
    const s = r.sub(r.u32(), "section");
    if (id !== 0) sections.set(id, { start: s.pos, end: s.end });
    switch (id) {
      case 1:
        s.vec("types", () => {
          const type = coreTypeDef(s);
          if (type.kind === "core-func") types.push(type);
          else for (let i = type.kind === "core-other" ? type.types : 0; i > 0; i--) types.push(undefined);
        });
        break;
      case 2:
        s.vec("imports", () => {
          const module = s.string();
          const field = s.string();
          const type = coreExternType(s);
          spaces[type.kind].push(type);
          imports.push({ module, name: field, ...entity(type.kind, type) });
        });
        break;
      case 3:
        s.vec("functions", () => spaces.func.push({ kind: "func", type: s.u32() }));
        break;
      case 5:
        s.vec("memories", () => {
          s.pos--;
          // A memory's limits read as an import's do, behind the byte of its kind.
          const r = new Reader(new Uint8Array([2, ...s.bytes.subarray(s.pos + 1, Math.min(s.pos + 40, s.end))]), name);
          spaces.memory.push(coreExternType(r));
          s.pos += r.pos;
        });
        break;
      case 7:
        s.vec("exports", () => {
          const field = s.string();
          const at = s.pos;
          const kind = KINDS[s.u8()] ?? s.fail("invalid export kind", at);
          exportIndices.set(field, { kind, index: s.u32() });
        });
        break;
    }
  }
  const exports = new Map<string, CoreEntity>();
  for (const [field, { kind, index }] of exportIndices) exports.set(field, entity(kind, spaces[kind][index]));
  return {
    imports,
    exports,
    exportIndices,
    hasStart: sections.has(8),
    sections,
    importedFunctions: imports.filter((i) => i.kind === "func").length,
    functions: spaces.func.map((f) => f?.kind === "func" ? types[f.type] : undefined),
  };
}

/** One value type; for those who read code. */
export { coreValType };
