/**
 * Which components' isolates can be put back into their first state, and how their modules are prepared for it.
 *
 * The state of a core instance is its memories, globals and tables, and which of its segments were dropped (section
 * "Store" of the WebAssembly specification). A component qualifies when its code can change nothing of that but
 * memories and globals whose values JavaScript can read and write, and when no module runs code of its own as it is
 * instantiated. Everything else is refused, whatever it is.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { body, instruction } from "./code.ts";
import { CORE_KINDS, type CoreModuleShape } from "./core_module.ts";
import type { CoreModulePlan, Plan } from "./plan.ts";
import { HERE, PAGES, type Slack } from "./slack.ts";
import { isTrackable, trackedCode, type TrackIndices } from "./track.ts";
import { Writer } from "./writer.ts";

/** Under these names, with a number, a prepared module exports what is to be restored. */
const MEMORY = "skerry:memory-";
const GLOBAL = "skerry:global-";

/** `table.set`, `table.init`, `elem.drop`, `table.copy`, `table.grow`, `table.fill`, `data.drop`. */
const UNDOABLE = new Set([0x26, 0xfc0c, 0xfc0d, 0xfc0e, 0xfc0f, 0xfc11, 0xfc09]);

/** Mutable globals of these types are numbers or bigints to JavaScript. */
const PLAIN_TYPES = new Set(["i32", "i64", "f32", "f64"]);

/** Whether isolates of this component can be restored. */
export function isRestorable(bytes: Uint8Array, plan: Plan): boolean {
  // The first state is kept when all instances are made and no code has run.
  const firstStart = plan.instances.findIndex((i) => i.start !== undefined);
  if (firstStart >= 0 && plan.instances.slice(firstStart + 1).some((i) => !i.elided)) return false;
  const used = new Set(plan.instances.filter((i) => !i.elided).map((i) => i.module));
  return [...used].every((index) => isModuleRestorable(bytes, plan.modules[index]!));
}

function isModuleRestorable(bytes: Uint8Array, { shape }: CoreModulePlan): boolean {
  // A start function would run before the first state is kept, with what the host tells it in one request.
  if (shape.hasStart) return false;
  if (shape.globals.some((g) => g.mutable && !PLAIN_TYPES.has(g.type))) return false;
  if (shape.memories.some(({ limits }) => limits.shared || limits.is64)) return false;
  for (const name of shape.exports.keys()) if (name.startsWith("skerry:")) return false;
  const section = shape.sections.get(10);
  if (section === undefined) return true;
  const r = new Reader(bytes, shape.name, section.start, section.end);
  return r.vec("functions", () => isCodeRestorable(body(r))).every(Boolean);
}

function isCodeRestorable(r: Reader): boolean {
  while (!r.done) {
    const opcode = instruction(r);
    if (opcode === undefined || UNDOABLE.has(opcode)) return false;
  }
  return true;
}

/** The names under which a prepared module exports its state. */
export interface StateNames {
  readonly memories: readonly string[];
  readonly globals: readonly string[];
  /** Whether it keeps note of where it writes, in {@linkcode LOWEST} and {@linkcode SPAN}. */
  readonly tracked: boolean;
}

/** Between these addresses a tracked module has written: the lowest, and the distance of the highest from it. */
export const LOWEST = "skerry:lowest";
export const SPAN = "skerry:span";

export function stateNames({ shape }: CoreModulePlan, slack?: Slack): StateNames {
  return {
    memories: ownMemories(shape).map((index) => MEMORY + index),
    globals: [...ownGlobals(shape).map((index) => GLOBAL + index), ...(slack?.kind === "own" ? [PAGES] : [])],
    tracked: isTrackable(shape),
  };
}

function ownMemories(shape: CoreModuleShape): number[] {
  return shape.memories.map((_, index) => index).slice(shape.importedMemories);
}

function ownGlobals(shape: CoreModuleShape): number[] {
  return shape.globals.map((_, index) => index)
    .filter((index) => index >= shape.importedGlobals && shape.globals[index]!.mutable);
}

/** The order of sections, of which 13 (tags) and 12 (the number of data segments) are out of line. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** The module with its state exported, with tracking where that pays, and with its memory's slack. */
export function prepared(
  bytes: Uint8Array<ArrayBuffer>,
  { start, end, shape }: CoreModulePlan,
  slack?: Slack,
): Uint8Array<ArrayBuffer> {
  const sections = preparedSections(bytes, shape, slack);
  if (sections.size === 0) return bytes.subarray(start, end);
  const out = new Writer((end - start) * 2);
  out.raw(bytes.subarray(start, start + 8));
  const write = (id: number, content: Writer) => {
    out.u8(id);
    out.sized(content);
    sections.delete(id);
  };
  const r = new Reader(bytes, shape.name, start + 8, end);
  while (!r.done) {
    const at = r.pos;
    const id = r.u8();
    r.sub(r.u32(), "section");
    // A section that was not there before goes before the first that comes after it.
    if (id !== 0) {
      for (const earlier of ORDER.slice(0, ORDER.indexOf(id))) {
        const content = sections.get(earlier);
        if (content !== undefined) write(earlier, content);
      }
    }
    const content = sections.get(id);
    if (content !== undefined) write(id, content);
    else out.raw(bytes.subarray(at, r.pos));
  }
  for (const id of ORDER) {
    const content = sections.get(id);
    if (content !== undefined) write(id, content);
  }
  return out.bytes;
}

/** The sections that differ from the original's, by their ids. */
function preparedSections(bytes: Uint8Array, shape: CoreModuleShape, slack: Slack | undefined): Map<number, Writer> {
  const isMoved = slack?.kind === "imported";
  const moved = (global: number) => isMoved && global >= shape.importedGlobals ? global + 1 : global;
  const exports: [name: string, kind: number, index: number][] = [
    ...ownMemories(shape).map((index): [string, number, number] => [MEMORY + index, 2, index]),
    ...ownGlobals(shape).map((index): [string, number, number] => [GLOBAL + index, 3, moved(index)]),
  ];
  const sections = new Map<number, Writer>();
  const added: number[] = [];
  const addGlobal = (initial: number) => moved(shape.globals.length + added.push(initial) - 1);
  if (isTrackable(shape)) {
    // Nothing written yet is -1.
    const lowest = addGlobal(-1);
    const span = addGlobal(0);
    exports.push([LOWEST, 3, lowest], [SPAN, 3, span]);
    const indices: TrackIndices = {
      lowest,
      span,
      touch: shape.functions.length,
      movedGlobals: isMoved ? shape.importedGlobals : Infinity,
      ...(slack && {
        slack: {
          pages: isMoved ? shape.importedGlobals : addGlobal(slack.declared),
          grow: shape.functions.length + 1,
        },
      }),
    };
    if (slack?.kind === "own") exports.push([PAGES, 3, indices.slack!.pages]);
    sections.set(10, trackedCode(bytes, shape, indices));
    const helpers = slack === undefined ? 1 : 2;
    sections.set(
      1,
      extended(bytes, shape, 1, helpers, (w) => {
        w.u8(0x60, 1, 0x7f, 0);
        if (slack !== undefined) w.u8(0x60, 1, 0x7f, 1, 0x7f);
      }),
    );
    sections.set(
      3,
      extended(bytes, shape, 3, helpers, (w) => {
        for (let i = 0; i < helpers; i++) w.u32(shape.types + i);
      }),
    );
  } else if (slack?.kind === "own") {
    // No code, and so nobody who grows it here.
    exports.push([PAGES, 3, addGlobal(slack.declared)]);
  }
  if (slack?.kind === "own") sections.set(5, memoryOf(shape, slack.real));
  if (isMoved) {
    sections.set(
      2,
      extended(bytes, shape, 2, 1, (w) => {
        w.string(HERE);
        w.string(PAGES);
        w.u8(3, 0x7f, 1);
      }),
    );
  }
  if (added.length > 0) {
    sections.set(
      6,
      extended(bytes, shape, 6, added.length, (w) => {
        for (const initial of added) {
          w.u8(0x7f, 1, 0x41);
          w.s32(initial);
          w.u8(0x0b);
        }
      }),
    );
  }
  if (exports.length > 0) {
    const all = isMoved ? [...exportsOf(shape, moved), ...exports] : exports;
    const write = (w: Writer) => {
      for (const [name, kind, index] of all) {
        w.string(name);
        w.u8(kind);
        w.u32(index);
      }
    };
    if (isMoved) {
      const out = new Writer();
      out.u32(all.length);
      write(out);
      sections.set(7, out);
    } else sections.set(7, extended(bytes, shape, 7, all.length, write));
  }
  return sections;
}

function exportsOf(
  { exportIndices }: CoreModuleShape,
  moved: (global: number) => number,
): [name: string, kind: number, index: number][] {
  return [...exportIndices].map(([name, { kind, index }]) => [
    name,
    CORE_KINDS.indexOf(kind),
    kind === "global" ? moved(index) : index,
  ]);
}

/** The memory section with another size at first. */
function memoryOf({ memories }: CoreModuleShape, pages: number): Writer {
  const { max } = memories[0]!.limits;
  const out = new Writer();
  out.u8(1, max === undefined ? 0 : 1);
  out.u32(pages);
  if (max !== undefined) out.u32(Number(max));
  return out;
}

/** A section that is a vector, with `count` more items at its end. */
function extended(
  bytes: Uint8Array,
  shape: CoreModuleShape,
  id: number,
  count: number,
  more: (w: Writer) => void,
): Writer {
  const out = new Writer();
  const section = shape.sections.get(id);
  if (section === undefined) out.u32(count);
  else {
    const r = new Reader(bytes, shape.name, section.start, section.end);
    out.u32(r.u32() + count);
    out.raw(bytes.subarray(r.pos, section.end));
  }
  more(out);
  return out;
}
