/**
 * Writes the code section anew, with the plan's edits.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";
import type { Steps } from "../steps.ts";
import { Reader } from "../../component/reader.ts";
import { SkerryError } from "../../errors.ts";
import { putPadded, putU32, sizeU32 } from "../writer.ts";
import * as edit from "./_edits.ts";
import * as ev from "./_events.ts";
import { I32, I64, type Layout } from "./_layout.ts";
import type { ModuleInfo } from "./_module.ts";
import type { Plan } from "./_plan.ts";
import type { ScannedCode } from "./_scan.ts";
import { Snippets } from "./_snippets.ts";

/** The most bytes that an edit adds, by its kind. */
const MAX_EDIT_BYTES = [0, 5, 40, 40, 52, 6, 6, 3, 128, 1, 12, 6];
/** The most bytes that a function's head and end grow by. */
const MAX_FRAME_BYTES = 16;

/** What the code may grow to: this, and so many times its size. Known modules come to twice theirs at most. */
const FREE_GROWTH_BYTES = 2 ** 20;
const MAX_GROWTH = 4;
/** After so many bytes that are written others may run. */
const STEP_BYTES = 2 ** 18;

/** Branch hints of the old module: for each function, ascending pairs of an offset and whether it is taken. */
export type Hints = ReadonlyMap<number, readonly Hint[]>;
export type Hint = readonly [at: number, taken: number];

/** New code and where it came from. */
export interface WrittenCode {
  /** From the section's id to its end. */
  readonly section: Uint8Array;
  /** Pairs: an offset in the old module, and the one in `section` from which on it stands there. The latter ascend. */
  readonly offsets: ev.Ints;
  /** Triples: a function's place in the section, an offset in its body, whether the branch there is taken. */
  readonly hints: ev.Ints;
}

export function writeCode(
  module: ModuleInfo,
  code: ScannedCode,
  plan: Plan,
  layout: Layout,
  helpers: readonly Uint8Array[],
  hints: Hints,
): Steps<WrittenCode> {
  return new CodeWriter(module, code, plan, layout, hints).write(helpers);
}

class CodeWriter {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #plan: Plan;
  readonly #layout: Layout;
  readonly #oldHints: Hints;
  readonly #offsets = new ev.Ints(1024);
  #delta = 0;
  /** Of the body that is being written. */
  #bodyHints: readonly Hint[] | undefined;
  #s: Snippets;

  constructor(module: ModuleInfo, code: ScannedCode, plan: Plan, layout: Layout, hints: Hints) {
    this.#module = module;
    this.#code = code;
    this.#plan = plan;
    this.#layout = layout;
    this.#oldHints = hints;
    this.#s = new Snippets(layout, 0);
  }

  *write(helpers: readonly Uint8Array[]): Steps<WrittenCode> {
    const { bodyStart, bodyEnd, sizeStart } = this.#code;
    const { bodies, firstEdit, lastEdit } = this.#plan;
    const count = bodyStart.length;
    const isSame = (body: number) =>
      body < count && firstEdit[body] === lastEdit[body] && !this.#oldHints.has(bodies[body]!);
    const growth = new Int32Array(bodies.length);
    let total = 64 + (count === 0 ? 0 : bodyEnd[count - 1]! - sizeStart[0]!);
    for (let body = 0; body < bodies.length; body++) {
      total += growth[body] = this.#mayGrow(body);
      if (body >= count) total += bodyEnd[bodies[body]!]! - bodyStart[bodies[body]!]! + 5;
    }
    for (const helper of helpers) total += helper.length + 5;
    const most = FREE_GROWTH_BYTES + MAX_GROWTH * this.#code.bodyBytes;
    if (total > most) {
      throw new SkerryError(
        "component-over-limit",
        `metering ${this.#module.name}: its ${this.#code.bodyBytes} bytes of code, which has loops and calls nearly ` +
          `everywhere, would take ${total} with what is added to them, and may take ${most}. Split it.`,
      );
    }
    const out = this.#s = new Snippets(this.#layout, total);
    // The section's size takes five bytes, as LEB128 allows, for it is known last.
    const contents = 6;
    out.pos = putU32(out.out, contents, bodies.length + helpers.length);
    let next = STEP_BYTES;
    for (let body = 0; body < bodies.length;) {
      if (!isSame(body)) {
        this.#edited(body, growth[body]!);
        body++;
        if (out.pos >= next) {
          next = out.pos + STEP_BYTES;
          yield;
        }
        continue;
      }
      // Functions that stay as they are go over together.
      const from = sizeStart[body]!;
      while (body < count && isSame(body)) body++;
      this.#note(from);
      this.#copy(from, bodyEnd[body - 1]!);
    }
    for (const helper of helpers) {
      out.pos = putU32(out.out, out.pos, helper.length);
      out.out.set(helper, out.pos);
      out.pos += helper.length;
    }
    out.out[0] = 10;
    putPadded(out.out, 1, out.pos - contents, 5);
    return { section: out.out.subarray(0, out.pos), offsets: this.#offsets, hints: out.hints };
  }

  #mayGrow(body: number): number {
    const { edits: { data }, firstEdit, lastEdit, loops } = this.#plan;
    let bytes = MAX_FRAME_BYTES;
    for (let e = firstEdit[body]!; e < lastEdit[body]!; e += edit.EDIT) {
      const kind = data[e + 1]!;
      bytes += MAX_EDIT_BYTES[kind]!;
      if (kind !== edit.REPEAT) continue;
      const loop = data[e + 2]!;
      const end = this.#code.events.data[loops.data[loop + edit.LOOP_LAST]! + 1]!;
      // Its branches grow by a byte each at most.
      let inside = (end - data[e]!) * 2;
      for (let i = e + edit.EDIT; i < lastEdit[body]! && data[i]! <= end; i += edit.EDIT) {
        inside += MAX_EDIT_BYTES[data[i + 1]!]!;
      }
      bytes += inside * loops.data[loop + edit.LOOP_REPEATS]!;
    }
    return bytes;
  }

  /** From this offset of the old module on, code stands where it is written now. */
  #note(old: number): void {
    const s = this.#s;
    const delta = s.pos - old;
    if (delta === this.#delta && this.#offsets.length > 0) return;
    this.#delta = delta;
    this.#offsets.push(old);
    this.#offsets.push(s.pos);
  }

  #copy(from: number, to: number): void {
    const s = this.#s;
    if (this.#bodyHints !== undefined) this.#moveHints(this.#bodyHints, from, to);
    const length = to - from;
    if (length > 64) {
      s.out.set(this.#module.bytes.subarray(from, to), s.pos);
      s.pos += length;
      return;
    }
    const old = this.#module.bytes;
    const out = s.out;
    let pos = s.pos;
    for (let i = from; i < to; i++) out[pos++] = old[i]!;
    s.pos = pos;
  }

  /** The old hints between two offsets, which are about to stand where it is written now. */
  #moveHints(hints: readonly Hint[], from: number, to: number): void {
    const s = this.#s;
    let low = 0;
    for (let high = hints.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (hints[middle]![0] < from) low = middle + 1;
      else high = middle;
    }
    for (; low < hints.length && hints[low]![0] < to; low++) {
      s.hints.push3(s.body, s.pos - s.start + hints[low]![0] - from, hints[low]![1]);
    }
  }

  #edited(body: number, mayGrow: number): void {
    const s = this.#s;
    const { bodyStart, bodyEnd } = this.#code;
    const { bodies, edits: { data }, firstEdit, lastEdit } = this.#plan;
    const f = bodies[body]!;
    s.body = body;
    this.#bodyHints = this.#oldHints.get(f);
    const sizeAt = s.pos;
    const sizeBytes = sizeU32(bodyEnd[f]! - bodyStart[f]! + mayGrow);
    s.pos += sizeBytes;
    s.start = s.pos;
    let from = this.#head(body, f);
    const last = lastEdit[body]!;
    for (let e = firstEdit[body]!; e < last;) {
      const at = data[e]!;
      if (at > from) this.#copy(from, at);
      if (data[e + 1] === edit.REPEAT) {
        const loop = data[e + 2]!;
        from = this.#code.events.data[this.#plan.loops.data[loop + edit.LOOP_LAST]! + 1]!;
        const next = this.#after(e, from, last);
        this.#repeat(loop, at, e + edit.EDIT, next);
        e = next;
      } else {
        from = this.#edit(at, data[e + 1]!, data[e + 2]!);
        e += edit.EDIT;
      }
      this.#note(from);
    }
    this.#copy(from, bodyEnd[f]!);
    this.#bodyHints = undefined;
    putPadded(s.out, sizeAt, s.pos - s.start, sizeBytes);
  }

  /** The first edit behind `e` that is behind the offset `at`. */
  #after(e: number, at: number, last: number): number {
    let next = e + edit.EDIT;
    while (next < last && this.#plan.edits.data[next]! <= at) next += edit.EDIT;
    return next;
  }

  /** A function's locals and the block around its body; returns where the rest of the old body begins. */
  #head(body: number, f: number): number {
    const s = this.#s;
    const { bodyStart, codeStart, locals } = this.#code;
    const needs = this.#plan.needs[body]!;
    const groups = new Reader(this.#module.bytes, this.#module.name, bodyStart[f]!);
    let count = groups.u32();
    let next = locals[f]!;
    const added: number[] = [];
    const small = (needs & edit.NEEDS_COUNT ? 1 : 0) + (needs & edit.NEEDS_TEMP ? 1 : 0);
    if (small > 0) {
      s.count = next;
      s.temp = next + small - 1;
      next += small;
      added.push(small, I32);
      count++;
    }
    if (needs & edit.NEEDS_TEMP64) {
      s.temp64 = next;
      added.push(1, I64);
      count++;
    }
    s.pos = putU32(s.out, s.pos, count);
    this.#note(groups.pos);
    this.#copy(groups.pos, codeStart[f]!);
    for (const byte of added) s.u8(byte);
    this.#note(codeStart[f]!);
    return codeStart[f]!;
  }

  /** Writes one edit and returns where the old code goes on. */
  #edit(at: number, kind: number, arg: number): number {
    const s = this.#s;
    const bytes = this.#module.bytes;
    switch (kind) {
      case edit.INDEX:
        s.op(bytes[at]!, arg + this.#layout.moved);
        return afterLeb(bytes, at + 1);
      case edit.CHECK:
        s.check(arg);
        return at;
      case edit.PAY:
        s.const(arg);
        s.op(0x10, this.#layout.pay);
        return at;
      case edit.TURN:
        s.turn(arg);
        return at;
      case edit.BULK:
        s.bulk(arg & 7, arg >>> 3);
        return at;
      case edit.GROW_MEMORY:
        s.op(0x10, this.#layout.growMemory.get(arg)!);
        return afterLeb(bytes, at + 1);
      case edit.GROW_TABLE:
        s.op(0x10, this.#layout.growTable.get(arg)!);
        return afterLeb(bytes, afterLeb(bytes, at + 1));
      case edit.NO_WAIT:
        // Nobody else runs who could wake it: it looks, and times out at once, whatever its time (and zero) was.
        s.u8(0x42);
        s.u8(0);
        s.u8(0x83);
        return at;
      case edit.HIDE:
        // How many bits are set is zero when the number is; a table's index is turned there and back.
        if (bytes[at] !== 0x0e) s.u8(0x69);
        else for (const byte of [0x41, 1, 0x77, 0x41, 1, 0x78]) s.u8(byte);
        return at;
      default:
        return at;
    }
  }

  /**
   * Writes a loop's body several times and a check behind the last one, so that a loop of few turns has none. A branch
   * to the loop goes from each copy on to the next one, and from the last one to the check and back; what falls out of
   * a copy leaves the loop.
   */
  #repeat(loop: number, at: number, firstEdit: number, lastEdit: number): void {
    const s = this.#s;
    const { loops, edits } = this.#plan;
    const { events } = this.#code;
    const repeats = loops.data[loop + edit.LOOP_REPEATS]!;
    const first = loops.data[loop + edit.LOOP_FIRST]!;
    const last = loops.data[loop + edit.LOOP_LAST]!;
    const end = events.data[last + 1]!;
    const inside = this.#branches(first, last);
    // Both lists ascend; at one offset an edit comes before the branch that it pays for.
    const merged: number[] = [];
    let e = firstEdit;
    for (let b = 0; b < inside.length; b += edit.EDIT) {
      for (; e < lastEdit && edits.data[e]! <= inside[b]!; e += edit.EDIT) {
        merged.push(edits.data[e]!, edits.data[e + 1]!, edits.data[e + 2]!);
      }
      merged.push(inside[b]!, inside[b + 1]!, inside[b + 2]!);
    }
    for (; e < lastEdit; e += edit.EDIT) merged.push(edits.data[e]!, edits.data[e + 1]!, edits.data[e + 2]!);

    // A block of the loop's own type, which has no parameters.
    const block = () => {
      s.u8(0x02);
      for (let i = events.data[first - ev.EVENT + 1]! + 1; i < at; i++) s.u8(this.#module.bytes[i]!);
    };
    block();
    for (let i = 0; i < repeats; i++) {
      s.u8(0x02);
      s.u8(0x40);
      // What falls out of it must be of that type, as it must be of a loop.
      block();
      let from = at;
      this.#note(from);
      for (let m = 0; m < merged.length; m += edit.EDIT) {
        const [where, kind, arg] = [merged[m]!, merged[m + 1]!, merged[m + 2]!];
        this.#copy(from, where);
        from = kind === edit.BRANCH ? this.#branch(where, arg) : this.#edit(where, kind, arg);
        this.#note(from);
      }
      this.#copy(from, end);
      s.u8(0x0b);
      s.op(0x0c, 1);
      s.u8(0x0b);
    }
    s.check(loops.data[loop + edit.LOOP_COST]!);
    s.op(0x0c, 1);
    s.u8(0x0b);
  }

  /** The branches among some events, as edits. */
  #branches(first: number, last: number): number[] {
    const data = this.#code.events.data;
    const found: number[] = [];
    let depth = 0;
    for (let e = first; e < last; e += ev.EVENT) {
      const kind = data[e]! & ev.KIND_MASK;
      if (kind === ev.BLOCK || kind === ev.IF) depth++;
      else if (kind === ev.END) depth--;
      else if (kind === ev.BR || kind === ev.BR_IF || kind === ev.BR_TABLE) {
        found.push(data[e + 1]!, edit.BRANCH, depth);
      }
    }
    return found;
  }

  /** A branch of a repeated body, `depth` blocks inside it. */
  #branch(at: number, depth: number): number {
    const s = this.#s;
    const bytes = this.#module.bytes;
    const code = bytes[at]!;
    const r = new Numbers(bytes, at + 1);
    const label = () => {
      const old = r.u32();
      // The copy stands in two blocks, the outer one for the loop; around all copies are one more, and the loop.
      s.pos = putU32(s.out, s.pos, old > depth ? old + 3 : old === depth ? old + 1 : old);
    };
    if (this.#bodyHints !== undefined) this.#moveHints(this.#bodyHints, at, at + 1);
    s.u8(code);
    if (code === 0x0e) { // br_table
      let left = r.u32();
      s.pos = putU32(s.out, s.pos, left);
      for (; left >= 0; left--) label();
    } else if (code === 0xfb) { // br_on_cast, br_on_cast_fail
      s.pos = putU32(s.out, s.pos, r.u32());
      s.u8(bytes[r.pos++]!);
      label();
    } else label();
    return r.pos;
  }
}

function afterLeb(bytes: Uint8Array, at: number): number {
  let p = at;
  while (bytes[p++]! & 0x80);
  return p;
}
