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
import type { CoreModulePlan, Plan } from "./plan.ts";

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
  const r = new Reader(bytes, "code", section.start, section.end);
  return r.vec("functions", () => isCodeRestorable(body(r))).every(Boolean);
}

function isCodeRestorable(r: Reader): boolean {
  while (!r.done) {
    const opcode = instruction(r);
    if (opcode === undefined || UNDOABLE.has(opcode)) return false;
  }
  return true;
}

/** The names under which a prepared module exports its own memories and mutable globals. */
export interface StateNames {
  readonly memories: readonly string[];
  readonly globals: readonly string[];
}

export function stateNames({ shape }: CoreModulePlan): StateNames {
  return {
    memories: ownMemories(shape).map((index) => MEMORY + index),
    globals: ownGlobals(shape).map((index) => GLOBAL + index),
  };
}

function ownMemories(shape: CoreModulePlan["shape"]): number[] {
  return shape.memories.map((_, index) => index).slice(shape.importedMemories);
}

function ownGlobals(shape: CoreModulePlan["shape"]): number[] {
  return shape.globals.map((_, index) => index)
    .filter((index) => index >= shape.importedGlobals && shape.globals[index]!.mutable);
}

/** The module with its state exported. */
export function prepared(
  bytes: Uint8Array<ArrayBuffer>,
  { start, end, shape }: CoreModulePlan,
): Uint8Array<ArrayBuffer> {
  const added: number[] = [];
  const add = (name: string, kind: number, index: number) => {
    const text = new TextEncoder().encode(name);
    added.push(...leb(text.length), ...text, kind, ...leb(index));
  };
  for (const index of ownMemories(shape)) add(MEMORY + index, 2, index);
  for (const index of ownGlobals(shape)) add(GLOBAL + index, 3, index);
  if (added.length === 0) return bytes.subarray(start, end);
  const count = ownMemories(shape).length + ownGlobals(shape).length;
  const old = shape.sections.get(7);
  // Where the export section is or would be, and what is in it already.
  const at = old === undefined ? insertionPoint(bytes, start, end) : old.start - sectionHeader(bytes, old);
  const behind = old === undefined ? at : old.end;
  let present: Uint8Array = new Uint8Array();
  let presentCount = 0;
  if (old !== undefined) {
    const r = new Reader(bytes, "exports", old.start, old.end);
    presentCount = r.u32();
    present = bytes.subarray(r.pos, old.end);
  }
  const countBytes = leb(presentCount + count);
  const size = countBytes.length + present.length + added.length;
  const header = [7, ...leb(size), ...countBytes];
  const made = new Uint8Array(at - start + header.length + present.length + added.length + end - behind);
  let offset = 0;
  for (const part of [bytes.subarray(start, at), header, present, added, bytes.subarray(behind, end)]) {
    made.set(part, offset);
    offset += part.length;
  }
  return made;
}

/** The bytes of a section's id and size, which stand before its content. */
function sectionHeader(bytes: Uint8Array, { start, end }: { start: number; end: number }): number {
  // A size may be written longer than it need be; the id is the byte before it.
  for (let length = 2; length <= 6; length++) {
    const r = new Reader(bytes, "section", start - length, start);
    try {
      if (r.u8() === 7 && r.u32() === end - start && r.done) return length;
    } catch { /* Not this one. */ }
  }
  throw new RangeError("the export section's header cannot be found");
}

/** Where an export section belongs: before the first section that comes after it. */
function insertionPoint(bytes: Uint8Array, start: number, end: number): number {
  const r = new Reader(bytes, "core module", start + 8, end);
  while (!r.done) {
    const at = r.pos;
    const id = r.u8();
    r.sub(r.u32(), "section");
    if (id >= 8 && id <= 12) return at;
  }
  return end;
}

function leb(value: number): number[] {
  const out: number[] = [];
  do {
    const byte = value & 0x7f;
    value = Math.floor(value / 128);
    out.push(value === 0 ? byte : byte | 0x80);
  } while (value !== 0);
  return out;
}
