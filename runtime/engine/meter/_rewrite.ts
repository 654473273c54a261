/**
 * Puts a rewritten module together, section by section.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { Writer } from "../writer.ts";
import type { WrittenCode } from "./_code.ts";
import type { Helper } from "./_helpers.ts";
import { I32, type Layout } from "./_layout.ts";
import { type Bounds, writeLimits } from "./_limits.ts";
import * as mod from "./_module.ts";
import { constantExpression, skipValueType } from "./_types.ts";

export interface Rewrite {
  readonly module: mod.ModuleInfo;
  readonly layout: Layout;
  readonly bounds: Bounds;
  readonly helpers: readonly Helper[];
  /** The functions that the clones are of. */
  readonly clones: readonly number[];
  readonly code: WrittenCode | undefined;
  /** The module name of the hooks and the name of the exported counter. */
  readonly hookModule: string;
  readonly counterName: string;
  readonly fuel: number;
  /** What becomes of a custom section: it stays, goes, or is replaced by a whole new one. */
  readonly custom: (section: mod.Section) => "keep" | "drop" | Uint8Array;
  /** A custom section to stand before the code. */
  readonly beforeCode: Uint8Array | undefined;
}

/** The new module, and where its code section begins in it. */
export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly codeAt: number;
}

/** Sections that a rewrite makes when the module has none, in the order of a module. */
const ADDED = [mod.TYPES, mod.IMPORTS, mod.FUNCTIONS, mod.GLOBALS, mod.EXPORTS];

export function assemble(rewrite: Rewrite): Assembled {
  const { module, layout } = rewrite;
  const parts: Uint8Array[] = [module.bytes.subarray(0, 8)];
  let length = 8;
  let codeAt = -1;
  const put = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
  };
  const present = new Set(module.sections.map(({ id }) => id));
  const missing = layout.moved === 0 ? [] : ADDED.filter((id) => !present.has(id));
  const putMissing = (rank: number) => {
    while (missing.length > 0 && mod.RANK[missing[0]!]! < rank) {
      const id = missing.shift()!;
      put(write(id, (w) => sectionOf(rewrite, id, w, undefined)));
    }
  };
  for (const section of module.sections) {
    if (section.id === mod.CUSTOM) {
      const fate = rewrite.custom(section);
      if (fate === "keep") put(module.bytes.subarray(section.start, section.end));
      else if (fate !== "drop") put(fate);
      continue;
    }
    putMissing(mod.RANK[section.id]!);
    if (section.id === mod.CODE && rewrite.code !== undefined) {
      if (rewrite.beforeCode !== undefined) put(rewrite.beforeCode);
      codeAt = length;
      put(rewrite.code.section);
    } else if (changes(rewrite, section.id)) {
      const r = new Reader(module.bytes, module.name, section.body, section.end);
      put(write(section.id, (w) => sectionOf(rewrite, section.id, w, r)));
    } else put(module.bytes.subarray(section.start, section.end));
  }
  putMissing(Infinity);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, codeAt };
}

function write(id: number, contents: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  w.section(id, contents);
  return w.bytes;
}

/** Whether a section may differ from what it was. */
function changes({ layout, bounds }: Rewrite, id: number): boolean {
  if (id === mod.MEMORIES) return bounds.memory.max !== undefined;
  if (id === mod.TABLES) return layout.moved > 0 || bounds.table.max !== undefined;
  return layout.moved > 0 && (ADDED.includes(id) || id === mod.START || id === mod.ELEMENTS);
}

/** Writes a section's contents anew; without a reader, there was none. */
function sectionOf(rewrite: Rewrite, id: number, w: Writer, r: Reader | undefined): void {
  const { module, layout, helpers, bounds } = rewrite;
  const count = r === undefined || id === mod.START ? 0 : r.u32();
  /** The items that were there and `added` more. */
  const extend = (added: number) => {
    w.u32(count + added);
    if (r !== undefined) w.raw(r.take(r.end - r.pos, "a section"));
  };
  switch (id) {
    case mod.TYPES:
      extend(layout.types.all.length);
      for (const type of layout.types.all) w.raw(type);
      return;
    case mod.IMPORTS:
      extend(layout.hooks.length);
      for (const hook of layout.hooks) {
        w.string(rewrite.hookModule);
        w.string(hook.name);
        w.u8(0);
        w.u32(hook.type);
      }
      return;
    case mod.FUNCTIONS:
      extend(rewrite.clones.length + helpers.length);
      for (const f of rewrite.clones) w.u32(module.functionTypes[module.importedFunctions + f]!);
      for (const helper of helpers) w.u32(helper.type);
      return;
    case mod.GLOBALS:
      w.u32(count + 1);
      if (r !== undefined) globals(rewrite, w, r, count);
      w.u8(I32, 1, 0x41);
      w.s32(rewrite.fuel);
      w.u8(0x0b);
      return;
    case mod.EXPORTS:
      w.u32(count + 1);
      for (let i = 0; i < count; i++) {
        const start = r!.pos;
        r!.string();
        const kind = r!.u8();
        w.raw(module.bytes.subarray(start, r!.pos));
        w.u32(kind === 0 ? moved(layout, r!.u32()) : r!.u32());
      }
      w.string(rewrite.counterName);
      w.u8(3);
      w.u32(layout.counter);
      return;
    case mod.START:
      return w.u32(moved(layout, r!.u32()));
    case mod.ELEMENTS:
      w.u32(count);
      return elements(rewrite, w, r!, count);
    case mod.MEMORIES:
      w.u32(count);
      for (const memory of module.memories) if (!memory.imported) writeLimits(w, memory, bounds.memory.max, true);
      return;
    case mod.TABLES:
      w.u32(count);
      return tables(rewrite, w, r!);
  }
}

function moved(layout: Layout, index: number): number {
  return index < layout.firstMoved ? index : index + layout.moved;
}

/** Copies a constant expression, its functions' indices moved. */
function expression({ module, layout }: Rewrite, w: Writer, r: Reader): void {
  let from = r.pos;
  constantExpression(r, {
    types: module.typeParams,
    globals: Infinity,
    onFunction: (index, at) => {
      w.raw(module.bytes.subarray(from, at));
      w.u32(moved(layout, index));
      from = r.pos;
    },
    onObject: () => {},
  });
  w.raw(module.bytes.subarray(from, r.pos));
}

function copied({ module }: Rewrite, w: Writer, r: Reader, step: () => void): void {
  const from = r.pos;
  step();
  w.raw(module.bytes.subarray(from, r.pos));
}

function globals(rewrite: Rewrite, w: Writer, r: Reader, count: number): void {
  for (let i = 0; i < count; i++) {
    copied(rewrite, w, r, () => {
      skipValueType(r);
      r.u8();
    });
    expression(rewrite, w, r);
  }
}

function tables(rewrite: Rewrite, w: Writer, r: Reader): void {
  for (const table of rewrite.module.tables) {
    if (table.imported) continue;
    const withInit = r.peek() === 0x40;
    if (withInit) w.raw(r.take(2, "a table"));
    w.raw(table.element!);
    writeLimits(w, table, rewrite.bounds.table.max, false);
    r.pos = table.limitsEnd;
    if (withInit) expression(rewrite, w, r);
  }
}

function elements(rewrite: Rewrite, w: Writer, r: Reader, count: number): void {
  for (let i = 0; i < count; i++) {
    const flags = r.u32();
    w.u32(flags);
    if ((flags & 1) === 0) {
      if (flags & 2) w.u32(r.u32());
      expression(rewrite, w, r);
    }
    const expressions = (flags & 4) !== 0;
    if (flags & 3) copied(rewrite, w, r, () => expressions ? skipValueType(r) : r.u8());
    const items = r.u32();
    w.u32(items);
    for (let j = 0; j < items; j++) {
      if (expressions) expression(rewrite, w, r);
      else w.u32(moved(rewrite.layout, r.u32()));
    }
  }
}
