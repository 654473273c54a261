/**
 * Custom sections: what a rewrite does with names, hints and debug information.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import type { WrittenCode } from "./_code.ts";
import * as ev from "./_events.ts";
import type { Helper } from "./_helpers.ts";
import type { Layout } from "./_layout.ts";
import type { ModuleInfo, Section } from "./_module.ts";
import * as plan from "./_plan.ts";
import type { ScannedCode } from "./_scan.ts";
import { Writer } from "./_writer.ts";

export const HINTS = "metadata.code.branch_hint";

/**
 * Sections that speak of offsets or indices of the old code. They are left out: the old file keeps them, and
 * `Metered.originalOffset` leads there.
 */
export function isUntrue(name: string): boolean {
  return name.startsWith(".debug_") || name.startsWith("reloc.") || name.startsWith("metadata.code.") ||
    name === "linking" || name === "sourceMappingURL" || name === "external_debug_info";
}

/** What the custom sections are rewritten with. */
export interface CustomContext {
  readonly module: ModuleInfo;
  readonly layout: Layout;
  readonly helpers: readonly Helper[];
  readonly scanned: ScannedCode;
  readonly planned: plan.Plan;
  readonly hookModule: string;
}

function customSection(name: string, contents: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  w.section(0, (inside) => {
    inside.string(name);
    contents(inside);
  });
  return w.done();
}

/** The name section with its indices moved; one that cannot be read is left out, as V8 would ignore it. */
export function rewriteNames(context: CustomContext, section: Section): Uint8Array | "drop" {
  const { module } = context;
  const r = new Reader(module.bytes, module.name, section.body, section.end);
  try {
    return customSection("name", (w) => {
      while (!r.done) {
        const id = r.u8();
        const size = r.u32();
        const sub = r.sub(size, "names");
        if (id === 1) subsection(w, id, (inside) => functionNames(context, inside, sub));
        else if (id === 2 || id === 3) subsection(w, id, (inside) => innerNames(context, inside, sub, id === 3));
        else if (id <= 11) {
          w.u8(id);
          w.u32(size);
          w.raw(sub.take(size, "names"));
        } else sub.pos = sub.end;
        sub.finish("names");
      }
    });
  } catch {
    return "drop";
  }
}

function subsection(w: Writer, id: number, contents: (w: Writer) => void): void {
  w.u8(id);
  w.sized(contents);
}

function functionNames({ layout, helpers, hookModule, module }: CustomContext, w: Writer, r: Reader): void {
  const count = r.count("names");
  w.u32(count + layout.hooks.length + helpers.length);
  let hooksDue = true;
  const putHooks = () => {
    if (!hooksDue) return;
    hooksDue = false;
    for (const hook of layout.hooks) {
      w.u32(hook.index);
      w.string(`${hookModule}.${hook.name}`);
    }
  };
  for (let i = 0; i < count; i++) {
    const index = r.u32();
    if (index >= layout.firstMoved) putHooks();
    w.u32(index < layout.firstMoved ? index : index + layout.moved);
    w.raw(nameBytes(module, r));
  }
  putHooks();
  helpers.forEach((helper, i) => {
    w.u32(layout.look + i);
    w.string(`${hookModule}.${helper.name}`);
  });
}

/** A name with its length, as bytes. */
function nameBytes(module: ModuleInfo, r: Reader): Uint8Array {
  const start = r.pos;
  r.take(r.u32(), "a name");
  return module.bytes.subarray(start, r.pos);
}

/** Names of locals, which stay, or of labels, between which others have come. */
function innerNames(context: CustomContext, w: Writer, r: Reader, labels: boolean): void {
  const { layout, module } = context;
  const functions = r.count("functions");
  w.u32(functions);
  for (let i = 0; i < functions; i++) {
    const index = r.u32();
    w.u32(index < layout.firstMoved ? index : index + layout.moved);
    const move = labels ? labelsOf(context, index - module.importedFunctions) : (label: number) => label;
    const names = r.count("names");
    w.u32(names);
    for (let j = 0; j < names; j++) {
      w.u32(move(r.u32()));
      w.raw(nameBytes(module, r));
    }
  }
}

/** Where the labels of a function are, which are counted from its first block on. */
function labelsOf({ scanned, planned }: CustomContext, f: number): (label: number) => number {
  if (f < 0 || f >= scanned.bodyStart.length) return (label) => label;
  const moved: number[] = [];
  const { events, firstEvent } = scanned;
  const { edits, firstEdit, lastEdit, needs } = planned;
  const flushes = (needs[f]! & plan.NEEDS_COUNT) !== 0;
  let added = flushes ? 1 : 0;
  let edit = firstEdit[f]!;
  for (let e = firstEvent[f]!; e < firstEvent[f + 1]!; e += ev.EVENT) {
    const kind = events.data[e]! & ev.KIND_MASK;
    if (kind > ev.TRY_TABLE || kind === ev.ELSE || kind === ev.CATCH) continue;
    for (; edit < lastEdit[f]! && edits.data[edit]! <= events.data[e + 1]!; edit += plan.EDIT) {
      const what = edits.data[edit + 1]!;
      if (what === plan.CHECK || what === plan.TURN || what === plan.BULK || what === plan.FLUSH && flushes) added++;
    }
    moved.push(moved.length + added);
  }
  return (label) => moved[label] ?? label + added;
}

/** From an offset of the old module to one of the new code section. */
export function newOffset(offsets: ev.Ints, old: number): number {
  return search(offsets, old, 0);
}

/** From an offset of the new code section to one of the old module. */
export function oldOffset(offsets: ev.Ints, now: number): number {
  return search(offsets, now, 1);
}

function search({ data, length }: ev.Ints, value: number, side: 0 | 1): number {
  let low = 0;
  let high = length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (data[middle * 2 + side]! <= value) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return -1;
  const at = (low - 1) * 2;
  return data[at + 1 - side]! + value - data[at + side]!;
}

/** Branch hints: those of the module, where its code has gone, and the added branches, which are seldom taken. */
export function writeHints(context: CustomContext, section: Section | undefined, code: WrittenCode): Uint8Array {
  const { module, layout } = context;
  const byFunction = new Map<number, [offset: number, taken: number][]>();
  const of = (f: number) => {
    let list = byFunction.get(f);
    if (list === undefined) byFunction.set(f, list = []);
    return list;
  };
  for (let i = 0; i < code.unlikely.length; i += 2) {
    const f = code.unlikely.data[i]!;
    of(f).push([code.unlikely.data[i + 1]! - code.bodies[f]!, 0]);
  }
  if (section !== undefined) {
    try {
      for (const [f, old, taken] of readHints(context, section)) {
        of(f).push([newOffset(code.offsets, old) - code.bodies[f]!, taken]);
      }
    } catch {
      // Hints that cannot be read are none.
    }
  }
  return customSection(HINTS, (w) => {
    const functions = [...byFunction].sort(([a], [b]) => a - b);
    w.u32(functions.length);
    for (const [f, hints] of functions) {
      w.u32(f + module.importedFunctions + layout.moved);
      w.u32(hints.length);
      for (const [offset, taken] of hints.sort(([a], [b]) => a - b)) {
        w.u32(offset);
        w.u8(1, taken);
      }
    }
  });
}

function readHints({ module, scanned }: CustomContext, section: Section): [f: number, old: number, taken: number][] {
  const hints: [number, number, number][] = [];
  const r = new Reader(module.bytes, module.name, section.body, section.end);
  const functions = r.count("functions");
  for (let i = 0; i < functions; i++) {
    const f = r.u32() - module.importedFunctions;
    const count = r.count("hints");
    for (let j = 0; j < count; j++) {
      const offset = r.u32();
      if (r.u32() !== 1) r.fail("malformed hint");
      const taken = r.u8();
      const old = scanned.bodyStart[f]! + offset;
      if (old < scanned.bodyEnd[f]!) hints.push([f, old, taken]);
    }
  }
  return hints;
}
