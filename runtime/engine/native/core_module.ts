/**
 * As much of a core module as linking needs: its imports and exports with their types.
 *
 * Whether the module is valid is for `WebAssembly.compile` to say.
 *
 * @module
 */
import { coreExternType, coreLimits, coreTypeDef, coreValType } from "../../component/core_types.ts";
import type { CoreExternType, CoreFuncType } from "../../component/mod.ts";
import { MAX_ITEMS, Reader } from "../../component/reader.ts";
import { instruction } from "./code.ts";

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
  /** Of the component, for messages. */
  readonly name: string;
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreEntity>;
  readonly exportIndices: ReadonlyMap<string, { readonly kind: CoreKind; readonly index: number }>;
  /** The index of the function that is called when it is instantiated. */
  readonly startFunction: number | undefined;
  /** How many types there are, those in groups counted each. */
  readonly types: number;
  /** Where each section of an id lies, custom sections left out. */
  readonly sections: ReadonlyMap<number, { readonly start: number; readonly end: number }>;
  /** Imported functions, and all. */
  readonly importedFunctions: number;
  readonly functions: readonly (CoreFuncType | undefined)[];
  /** All globals, memories and tables, imported ones first; how many are imported. */
  readonly globals: readonly (CoreExternType & { readonly kind: "global" })[];
  readonly importedGlobals: number;
  readonly memories: readonly (CoreExternType & { readonly kind: "memory" })[];
  readonly importedMemories: number;
  readonly tables: readonly (CoreExternType & { readonly kind: "table" })[];
  readonly importedTables: number;
}

/** By their codes. */
export const CORE_KINDS: readonly CoreKind[] = ["func", "table", "memory", "global", "tag"];

/** The place of each section in a module, by its id: tags and the number of data segments came later than the rest. */
export const SECTION_RANK: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/** Reads the shape of the core module between `start` and `end`. */
export function coreModuleShape(bytes: Uint8Array, start: number, end: number, name: string): CoreModuleShape {
  const r = new Reader(bytes, name, start + 8, end, { most: MAX_ITEMS, left: MAX_ITEMS });
  const types: (CoreFuncType | undefined)[] = [];
  const spaces: Record<CoreKind, (CoreExternType | undefined)[]> = {
    func: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };
  const imports: CoreImport[] = [];
  const importNames = new Set<string>();
  const exportIndices = new Map<string, { kind: CoreKind; index: number }>();
  const sections = new Map<number, { start: number; end: number }>();
  const entity = (kind: CoreKind, type: CoreExternType | undefined): CoreEntity => ({
    kind,
    type,
    func: type?.kind === "func" ? types[type.type] : undefined,
  });
  let last = 0;
  let startFunction: number | undefined;
  while (!r.done) {
    const at = r.pos;
    const id = r.u8();
    const s = r.sub(r.u32(), "section");
    if (id !== 0) {
      // Whoever rewrites a module would put it right.
      const rank = SECTION_RANK[id] ?? r.fail(`malformed section id ${id} in a core module`, at);
      if (rank <= last) r.fail(`a section of a core module is out of order: id ${id}`, at);
      last = rank;
      sections.set(id, { start: s.pos, end: s.end });
    }
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
          const at = s.pos;
          const module = s.string();
          const field = s.string();
          const key = JSON.stringify([module, field]);
          if (importNames.has(key)) s.fail(`duplicate import name ${key}`, at);
          importNames.add(key);
          const type = coreExternType(s);
          spaces[type.kind].push(type);
          imports.push({ module, name: field, ...entity(type.kind, type) });
        });
        break;
      case 3:
        s.vec("functions", () => spaces.func.push({ kind: "func", type: s.u32() }));
        break;
      case 4:
        s.vec("tables", () => {
          // With a value for its elements.
          const hasInit = s.peek() === 0x40;
          if (hasInit) s.take(2, "table");
          spaces.table.push({ kind: "table", element: coreValType(s), limits: coreLimits(s) });
          if (hasInit) constantExpression(s);
        });
        break;
      case 5:
        s.vec("memories", () => spaces.memory.push({ kind: "memory", limits: coreLimits(s) }));
        break;
      case 6:
        s.vec("globals", () => {
          const type = coreValType(s);
          spaces.global.push({ kind: "global", type, mutable: s.flag("mutability") });
          constantExpression(s);
        });
        break;
      case 7:
        s.vec("exports", () => {
          const nameAt = s.pos;
          const field = s.string();
          if (exportIndices.has(field)) s.fail(`duplicate export name ${JSON.stringify(field)}`, nameAt);
          const at = s.pos;
          const kind = CORE_KINDS[s.u8()] ?? s.fail("invalid export kind", at);
          exportIndices.set(field, { kind, index: s.u32() });
        });
        break;
      case 8:
        startFunction = s.u32();
        break;
    }
  }
  const exports = new Map<string, CoreEntity>();
  for (const [field, { kind, index }] of exportIndices) exports.set(field, entity(kind, spaces[kind][index]));
  const imported = (kind: CoreKind) => imports.filter((i) => i.kind === kind).length;
  return {
    name,
    globals: spaces.global as CoreModuleShape["globals"],
    importedGlobals: imported("global"),
    memories: spaces.memory as CoreModuleShape["memories"],
    importedMemories: imported("memory"),
    tables: spaces.table as CoreModuleShape["tables"],
    importedTables: imported("table"),
    imports,
    exports,
    exportIndices,
    startFunction,
    types: types.length,
    sections,
    importedFunctions: imported("func"),
    functions: spaces.func.map((f) => f?.kind === "func" ? types[f.type] : undefined),
  };
}

/** How many numbers follow those instructions on garbage-collected values that may stand in a constant expression. */
const CONSTANT_GC: Readonly<Record<number, number>> = { 0: 1, 1: 1, 6: 1, 7: 1, 8: 2, 26: 0, 27: 0, 28: 0 };

/** Reads past an expression that gives a global or a table's elements their first value. */
function constantExpression(r: Reader): void {
  for (;;) {
    const at = r.pos;
    if (r.peek() !== 0xfb) {
      const opcode = instruction(r);
      if (opcode === 0x0b) return;
      if (opcode === undefined) r.fail("invalid instruction in a constant expression", at);
      continue;
    }
    r.u8();
    const operands = CONSTANT_GC[r.u32()] ?? r.fail("invalid instruction in a constant expression", at);
    for (let i = 0; i < operands; i++) r.u32();
  }
}
