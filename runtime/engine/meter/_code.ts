/**
 * Writes the code section anew, with the plan's edits.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import * as ev from "./_events.ts";
import { I32, I64, type Layout } from "./_layout.ts";
import type { ModuleInfo } from "./_module.ts";
import * as plan from "./_plan.ts";
import type { ScannedCode } from "./_scan.ts";
import { putS32, putU32, sizeU32 } from "./_writer.ts";

/** A function spends its own count when it is larger than this: some microseconds. */
export const CHUNK = 4096;

/** The most bytes that an edit adds. */
const MAX_EDIT_BYTES = [0, 5, 40, 40, 12, 6, 44, 48, 6, 6, 3];
/** The most bytes that a function's head and end grow by. */
const MAX_FRAME_BYTES = 32;

/** New code and where it came from. */
export interface WrittenCode {
  /** From the section's id to its end, without the helpers' bodies if there are none. */
  readonly section: Uint8Array;
  /** Pairs: from this offset of the old module on, the new offset within `section`. Ascending. */
  readonly offsets: ev.Ints;
  /** Where in `section` each function's body begins, behind its size. */
  readonly bodies: Int32Array;
  /** Pairs: a function, and the offset in `section` of a branch that is seldom taken. Ascending. */
  readonly unlikely: ev.Ints;
}

export function writeCode(
  module: ModuleInfo,
  code: ScannedCode,
  planned: plan.Plan,
  layout: Layout,
  helpers: readonly Uint8Array[],
): WrittenCode {
  return new CodeWriter(module, code, planned, layout).write(helpers);
}

class CodeWriter {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #plan: plan.Plan;
  readonly #layout: Layout;
  #out: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #pos = 0;
  #function = 0;
  /** Indices of a function's added locals. */
  #count = 0;
  #temp = 0;
  #temp64 = 0;
  readonly #offsets = new ev.Ints(1024);
  readonly #unlikely = new ev.Ints(1024);
  readonly #bodies: Int32Array;
  #delta = 0;

  constructor(module: ModuleInfo, code: ScannedCode, planned: plan.Plan, layout: Layout) {
    this.#module = module;
    this.#code = code;
    this.#plan = planned;
    this.#layout = layout;
    this.#bodies = new Int32Array(code.bodyStart.length);
  }

  write(helpers: readonly Uint8Array[]): WrittenCode {
    const { bodyStart, bodyEnd, sizeStart } = this.#code;
    const { firstEdit, lastEdit } = this.#plan;
    const count = bodyStart.length;
    const old = count === 0 ? 0 : bodyEnd[count - 1]! - sizeStart[0]!;
    const sizes = new Int32Array(count);
    let total = old + 16;
    for (let f = 0; f < count; f++) total += sizes[f] = this.#mayGrow(f);
    for (const body of helpers) total += body.length + 5;
    this.#out = new Uint8Array(total);
    // The section's size takes five bytes, as LEB128 allows, for it is known last.
    const contents = 6;
    this.#pos = putU32(this.#out, contents, count + helpers.length);
    for (let f = 0; f < count;) {
      if (firstEdit[f] !== lastEdit[f]) {
        this.#edited(f, sizes[f]!);
        f++;
        continue;
      }
      // Functions that stay as they are go over together.
      const from = sizeStart[f]!;
      this.#note(from);
      const start = f;
      while (f < count && firstEdit[f] === lastEdit[f]) f++;
      for (let i = start; i < f; i++) this.#bodies[i] = this.#pos + bodyStart[i]! - from;
      this.#copy(from, bodyEnd[f - 1]!);
    }
    for (const body of helpers) {
      this.#pos = putU32(this.#out, this.#pos, body.length);
      this.#out.set(body, this.#pos);
      this.#pos += body.length;
    }
    this.#out[0] = 10;
    putPadded(this.#out, 1, this.#pos - contents, 5);
    return {
      section: this.#out.subarray(0, this.#pos),
      offsets: this.#offsets,
      bodies: this.#bodies,
      unlikely: this.#unlikely,
    };
  }

  #mayGrow(f: number): number {
    const { edits, firstEdit, lastEdit } = this.#plan;
    const end = lastEdit[f]!;
    let bytes = MAX_FRAME_BYTES;
    for (let e = firstEdit[f]!; e < end; e += plan.EDIT) bytes += MAX_EDIT_BYTES[edits.data[e + 1]!]!;
    return bytes;
  }

  /** From this offset of the old module on, code stands where it is written now. */
  #note(old: number): void {
    const delta = this.#pos - old;
    if (delta === this.#delta && this.#offsets.length > 0) return;
    this.#delta = delta;
    this.#offsets.push(old);
    this.#offsets.push(this.#pos);
  }

  #copy(from: number, to: number): void {
    const length = to - from;
    if (length > 64) {
      this.#out.set(this.#module.bytes.subarray(from, to), this.#pos);
      this.#pos += length;
      return;
    }
    const old = this.#module.bytes;
    const out = this.#out;
    let pos = this.#pos;
    for (let i = from; i < to; i++) out[pos++] = old[i]!;
    this.#pos = pos;
  }

  #u8(byte: number): void {
    this.#out[this.#pos++] = byte;
  }

  #op(code: number, index: number): void {
    this.#out[this.#pos++] = code;
    this.#pos = putU32(this.#out, this.#pos, index);
  }

  #const(value: number): void {
    this.#out[this.#pos++] = 0x41;
    this.#pos = putS32(this.#out, this.#pos, value);
  }

  #edited(f: number, mayGrow: number): void {
    const { bodyStart, bodyEnd } = this.#code;
    const bytes = this.#module.bytes;
    const { edits, firstEdit, lastEdit, needs } = this.#plan;
    const flushes = (needs[f]! & plan.NEEDS_COUNT) !== 0;
    this.#function = f;
    const sizeAt = this.#pos;
    const sizeBytes = sizeU32(bodyEnd[f]! - bodyStart[f]! + mayGrow);
    this.#pos += sizeBytes;
    const start = this.#pos;
    this.#bodies[f] = start;
    let from = this.#head(f, flushes);
    const end = lastEdit[f]!;
    for (let e = firstEdit[f]!; e < end; e += plan.EDIT) {
      const kind = edits.data[e + 1]!;
      if (kind === plan.SKIP || !flushes && (kind === plan.EXIT || kind === plan.FLUSH)) continue;
      const at = edits.data[e]!;
      const arg = edits.data[e + 2]!;
      if (at > from) this.#copy(from, at);
      from = at;
      switch (kind) {
        case plan.INDEX:
          this.#u8(bytes[at]!);
          this.#pos = putU32(this.#out, this.#pos, arg + this.#layout.moved);
          from = afterLeb(bytes, at + 1);
          break;
        case plan.CHECK:
          this.#check(arg);
          break;
        case plan.TURN:
          this.#turn(arg);
          break;
        case plan.ADD:
          this.#op(0x20, this.#count);
          this.#const(arg);
          this.#u8(0x6a);
          this.#op(0x21, this.#count);
          break;
        case plan.EXIT:
          this.#op(0x0c, arg);
          from = at + 1;
          break;
        case plan.FLUSH:
          // At the end, the block that `return` branches to ends before.
          if (at === bodyEnd[f]! - 1) this.#u8(0x0b);
          this.#flush(arg);
          break;
        case plan.BULK:
          this.#bulk(arg & 7, arg >>> 3);
          break;
        case plan.GROW_MEMORY:
          this.#op(0x10, this.#layout.growMemory.get(arg)!);
          from = afterLeb(bytes, at + 1);
          break;
        case plan.GROW_TABLE:
          this.#op(0x10, this.#layout.growTable.get(arg)!);
          from = afterLeb(bytes, afterLeb(bytes, at + 1));
          break;
        case plan.NO_WAIT:
          // Nobody else runs who could wake it: it looks, and times out at once.
          this.#u8(0x1a);
          this.#u8(0x42);
          this.#u8(0);
          break;
      }
      this.#note(from);
    }
    this.#copy(from, bodyEnd[f]!);
    putPadded(this.#out, sizeAt, this.#pos - start, sizeBytes);
  }

  /** A function's locals and the block around its body; returns where the rest of the old body begins. */
  #head(f: number, flushes: boolean): number {
    const { bodyStart, codeStart, locals } = this.#code;
    const bytes = this.#module.bytes;
    const needs = this.#plan.needs[f]!;
    const groups = new Reader(bytes, this.#module.name, bodyStart[f]!);
    let count = groups.u32();
    let next = locals[f]!;
    const added: number[] = [];
    if (needs & (plan.NEEDS_COUNT | plan.NEEDS_TEMP)) {
      const both = (needs & plan.NEEDS_COUNT) !== 0 && (needs & plan.NEEDS_TEMP) !== 0;
      this.#count = next;
      this.#temp = both ? next + 1 : next;
      next += both ? 2 : 1;
      added.push(both ? 2 : 1, I32);
      count++;
    }
    if (needs & plan.NEEDS_TEMP64) {
      this.#temp64 = next;
      added.push(1, I64);
      count++;
    }
    this.#pos = putU32(this.#out, this.#pos, count);
    this.#note(groups.pos);
    this.#copy(groups.pos, codeStart[f]!);
    for (const byte of added) this.#u8(byte);
    if (flushes) {
      this.#u8(0x02);
      this.#blockType(f);
    }
    this.#note(codeStart[f]!);
    return codeStart[f]!;
  }

  /** The type of a block that returns what the function returns. */
  #blockType(f: number): void {
    const module = this.#module;
    const type = module.functionTypes[module.importedFunctions + f]!;
    const r = new Reader(module.bytes, module.name, module.typeResults[type]!);
    const count = r.u32();
    const first = r.pos;
    const end = module.typeResultsEnd[type]!;
    if (count === 0) this.#u8(0x40);
    else if (count === 1) this.#copy(first, end);
    else {
      const results = module.bytes.subarray(module.typeResults[type]!, end);
      this.#pos = putS32(this.#out, this.#pos, this.#layout.types.returning(results));
    }
  }

  /** Calls the host when the number on the stack is negative. */
  #lookIfNegative(): void {
    this.#const(0);
    this.#u8(0x48);
    this.#if();
    this.#op(0x10, this.#layout.look);
    this.#u8(0x0b);
  }

  #if(): void {
    this.#unlikely.push(this.#function);
    this.#unlikely.push(this.#pos);
    this.#u8(0x04);
    this.#u8(0x40);
  }

  #check(cost: number): void {
    const { counter } = this.#layout;
    this.#op(0x23, counter);
    this.#const(cost);
    this.#u8(0x6b);
    this.#op(0x22, this.#temp);
    this.#op(0x24, counter);
    this.#op(0x20, this.#temp);
    this.#lookIfNegative();
  }

  #turn(cost: number): void {
    this.#op(0x20, this.#count);
    this.#const(cost);
    this.#u8(0x6a);
    this.#op(0x22, this.#count);
    this.#const(CHUNK);
    this.#u8(0x4a);
    this.#if();
    this.#op(0x20, this.#count);
    this.#op(0x10, this.#layout.spend);
    this.#op(0x21, this.#count);
    this.#u8(0x0b);
  }

  #flush(cost: number): void {
    const { counter } = this.#layout;
    this.#op(0x23, counter);
    this.#op(0x20, this.#count);
    this.#u8(0x6b);
    if (cost > 0) {
      this.#const(cost);
      this.#u8(0x6b);
    }
    this.#op(0x22, this.#count);
    this.#op(0x24, counter);
    this.#op(0x20, this.#count);
    this.#lookIfNegative();
  }

  /** Pays for as much as the length on the stack says, which stays there. */
  #bulk(unit: number, cost: number): void {
    const { counter } = this.#layout;
    const is64 = (unit & 1) !== 0;
    const local = is64 ? this.#temp64 : this.#temp;
    this.#op(0x22, local);
    this.#op(0x23, counter);
    this.#op(0x20, local);
    // A length so large that this is wrong traps at once.
    const shift = unit >> 1 === ev.BULK_BYTES ? 4 : 0;
    if (is64) {
      if (shift > 0) {
        this.#u8(0x42);
        this.#u8(shift);
        this.#u8(0x88);
      }
      this.#u8(0xa7);
    } else if (shift > 0) {
      this.#const(shift);
      this.#u8(0x76);
    }
    if (unit >> 1 === ev.BULK_ELEMENTS) {
      this.#const(3);
      this.#u8(0x74);
    }
    this.#u8(0x6b);
    this.#const(cost);
    this.#u8(0x6b);
    this.#op(0x24, counter);
    this.#op(0x23, counter);
    this.#lookIfNegative();
  }
}

function afterLeb(bytes: Uint8Array, at: number): number {
  let p = at;
  while (bytes[p++]! & 0x80);
  return p;
}

/** An unsigned LEB128 of just so many bytes. */
function putPadded(bytes: Uint8Array, at: number, value: number, size: number): void {
  for (let i = 0, rest = value; i < size; i++, rest >>>= 7) bytes[at + i] = rest & 0x7f | (i < size - 1 ? 0x80 : 0);
}
