/**
 * Makes core code keep note of where it writes, so that what it has not written to need not be put back.
 *
 * In most modules two globals say, after every store, between which addresses all bytes lie that were written since they
 * were last reset. Compiled code uses the memory around its stack's upper end: frames below, data and heap above. So the
 * two addresses stay near each other, and the note costs a comparison that is almost always false.
 *
 * Large modules, such as whole JavaScript engines, write here and there in a large heap. In these a second memory has a
 * byte for each page of the first, which every store sets: it costs more, and what is to be put back is far less.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { coreValType } from "../../component/core_types.ts";
import type { Steps } from "../steps.ts";
import { putPadded, putS32, putU32, type Writer } from "../writer.ts";
import type { CoreModuleShape } from "./core_module.ts";
import { Numbers } from "../numbers.ts";
import { afterMemarg, BYTES4, BYTES8, GLOBAL, hasMemarg, LEB, MEMARG, NONE } from "./steps.ts";
import { NAMES_MEMORY, skipOther, STEP, STORE } from "./steps.ts";
import { grow, touch, touchPages } from "./track_helpers.ts";
import { PAGE_SHIFT, type TrackIndices } from "./tracking.ts";

const LOCAL_GET = 0x20, LOCAL_SET = 0x21, LOCAL_TEE = 0x22, GLOBAL_GET = 0x23, GLOBAL_SET = 0x24;
const I32_CONST = 0x41, I32_GT_U = 0x4b, I32_ADD = 0x6a, I32_SUB = 0x6b, I32_SHR_U = 0x76, I32_STORE8 = 0x3a;
const CALL = 0x10, IF = 0x04, END = 0x0b, VOID = 0x40;
const MEMORY_SIZE = 0x3f, MEMORY_GROW = 0x40;

/** Behind the prefix 0xfc, among those that are known, all from `memory.init` to `memory.fill` write; behind 0xfd these. */
const MEMORY_INIT = 0x08,
  MEMORY_COPY = 0x0a,
  MEMORY_FILL = 0x0b,
  V128_STORE = 0x0b,
  V128_STORE8_LANE = 0x58,
  V128_STORE64_LANE = 0x5b;

// Which locals of our own a function needs, besides one for an address.
const NEEDS_I32 = 1, NEEDS_I64 = 2, NEEDS_F32 = 4, NEEDS_F64 = 8, NEEDS_V128 = 16, NEEDS_THREE = 32, NEEDS_ADDRESS = 64;

/** What the value of a store is kept in, by its opcode. */
const STORES: Uint8Array = new Uint8Array(256);
for (const opcode of [0x36, 0x3a, 0x3b]) STORES[opcode] = NEEDS_I32;
for (const opcode of [0x37, 0x3c, 0x3d, 0x3e]) STORES[opcode] = NEEDS_I64;
STORES[0x38] = NEEDS_F32;
STORES[0x39] = NEEDS_F64;

/** The content of the code section, with tracking; the functions `touch` and, with slack, `grow` are at its end. */
export function trackedCode(bytes: Uint8Array, shape: CoreModuleShape, indices: TrackIndices): Steps<Uint8Array> {
  return new Tracker(bytes, shape, indices).tracked();
}

/** What is changed: an instruction's place, its end, and its opcode, that of a prefixed one with the prefix before it. */
const EDIT = 3;

/** The most bytes that an edit adds. */
const MAX_EDIT_BYTES = 96;
/** The most that a function's head takes: its size, the number of its locals, ours. */
const MAX_HEAD_BYTES = 32;
/** After so many bytes others may run: about a millisecond's work. */
const STEP_BYTES = 65_536;
/** Shorter pieces are copied byte by byte. */
const SHORT_BYTES = 32;

/** Rewrites one function after another. Speed matters here, as the code that a component's first request waits for. */
class Tracker {
  readonly #bytes: Uint8Array;
  readonly #shape: CoreModuleShape;
  readonly #indices: TrackIndices;
  readonly #moves: boolean;
  #out: Uint8Array<ArrayBuffer>;
  #pos = 0;
  /** Of the function at hand. */
  #edits = new Int32Array(EDIT * 256);
  #edited = 0;
  #needs = 0;

  constructor(bytes: Uint8Array, shape: CoreModuleShape, indices: TrackIndices) {
    this.#bytes = bytes;
    this.#shape = shape;
    this.#indices = indices;
    this.#moves = indices.movedGlobals !== Infinity;
    const { start, end } = shape.sections.get(10)!;
    this.#out = new Uint8Array((end - start) * 2 + 1024);
  }

  *tracked(): Steps<Uint8Array> {
    let pausedAt = 0;
    const { functions, importedFunctions, name, sections } = this.#shape;
    const { start, end } = sections.get(10)!;
    const r = new Reader(this.#bytes, name, start, end);
    const count = r.u32();
    this.#u32(count + (this.#indices.slack === undefined ? 1 : 2));
    let same = r.pos;
    for (let i = 0; i < count; i++) {
      const sizeAt = r.pos;
      const size = r.u32();
      const from = r.pos;
      if (size > end - from) r.fail("unexpected end in a function", sizeAt);
      const type = functions[importedFunctions + i] ?? r.fail("function and code section have inconsistent lengths");
      const groups = r.u32();
      const declared = r.pos;
      let locals = type.params.length;
      for (let group = 0; group < groups; group++) {
        locals += r.u32();
        coreValType(r);
      }
      this.#scan(r.pos, from + size);
      if (this.#edited > 0) {
        // Functions that stay as they are go over together.
        this.#copy(same, sizeAt);
        this.#write(groups, declared, r.pos, from + size, locals);
        same = from + size;
      }
      r.pos = from + size;
      if (r.pos - pausedAt < STEP_BYTES) continue;
      pausedAt = r.pos;
      yield;
    }
    this.#copy(same, r.pos);
    const { range } = this.#indices;
    this.#append(range === undefined ? touchPages(PAGE_SHIFT) : touch(range));
    if (this.#indices.slack !== undefined) this.#append(grow(this.#indices.slack.pages));
    return this.#out.subarray(0, this.#pos);
  }

  /** Notes what is to change in the instructions from `start` to `end`. */
  #scan(start: number, end: number): void {
    const b = this.#bytes;
    const step = STEP;
    this.#edited = 0;
    this.#needs = 0;
    let p = start;
    while (p < end) {
      const at = p;
      const opcode = b[p++]!;
      switch (step[opcode]) {
        case NONE:
          break;
        case LEB:
          while (b[p++]! & 0x80);
          break;
        case MEMARG:
          if (b[p]! & NAMES_MEMORY) this.#checkMemarg(at, p);
          p = afterMemarg(b, p);
          break;
        case STORE:
          if (b[p]! & NAMES_MEMORY) this.#checkMemarg(at, p);
          p = afterMemarg(b, p);
          this.#needs |= NEEDS_ADDRESS | STORES[opcode]!;
          this.#note(at, p, opcode);
          break;
        case GLOBAL:
          while (b[p++]! & 0x80);
          if (this.#moves) this.#note(at, p, opcode);
          break;
        case BYTES4:
          p += 4;
          break;
        case BYTES8:
          p += 8;
          break;
        default:
          p = this.#other(opcode, at, p);
      }
    }
    if (p !== end) new Reader(b, this.#shape.name).fail("a function does not end where its size says", end);
  }

  /** Steps over what is rare; returns where it ends. */
  #other(opcode: number, at: number, from: number): number {
    const end = skipOther(this.#bytes, opcode, from);
    // A module that has it is not restored, and so not prepared.
    if (end < 0) throw new RangeError(`tracking writes: the opcode 0x${opcode.toString(16)} at ${at} is not known`);
    const operands = new Numbers(this.#bytes, from);
    const sub = opcode === 0xfc || opcode === 0xfd ? operands.u32() : 0;
    if (opcode === 0xfc) this.#checkBulk(at, sub, operands);
    else if (opcode === 0xfd && hasMemarg(sub)) this.#checkMemarg(at, operands.pos);
    if (opcode === 0xfc && sub >= MEMORY_INIT && sub <= MEMORY_FILL) {
      this.#needs |= NEEDS_ADDRESS | NEEDS_THREE;
      this.#note(at, end, 0xfc00 | sub);
    } else if (opcode === 0xfd && (sub === V128_STORE || sub >= V128_STORE8_LANE && sub <= V128_STORE64_LANE)) {
      this.#needs |= NEEDS_ADDRESS | NEEDS_V128;
      this.#note(at, end, 0xfd00 | sub);
    } else if (opcode === MEMORY_SIZE || opcode === MEMORY_GROW) {
      // It is replaced where there is slack: what is wrong with it must not be.
      this.#checkMemory(at, operands.u32());
      if (this.#indices.slack !== undefined) this.#note(at, end, opcode);
    }
    return end;
  }

  /**
   * No instruction may name another memory than the module's one: with that of the notes there, it would be valid, and the
   * guest could forge the notes. Whatever has a memory for an operand comes through here or is not known, and so refused;
   * where an instruction ends is understood as the compiler does, or the notes themselves would be wrong.
   */
  #checkMemory(at: number, memory: number): void {
    if (memory !== 0) new Reader(this.#bytes, this.#shape.name).fail("there is one memory", at);
  }

  /** The memory of a load or store is named where its alignment has this bit: in the first byte, however many there are. */
  #checkMemarg(at: number, memarg: number): void {
    if ((this.#bytes[memarg]! & NAMES_MEMORY) === 0) return;
    const r = new Numbers(this.#bytes, memarg);
    r.u32();
    this.#checkMemory(at, r.u32());
  }

  #checkBulk(at: number, sub: number, r: Numbers): void {
    if (sub === MEMORY_INIT) r.u32();
    if (sub === MEMORY_INIT || sub === MEMORY_COPY || sub === MEMORY_FILL) this.#checkMemory(at, r.u32());
    if (sub === MEMORY_COPY) this.#checkMemory(at, r.u32());
  }

  #note(at: number, end: number, opcode: number): void {
    if (this.#edited === this.#edits.length) {
      const wider = new Int32Array(this.#edits.length * 2);
      wider.set(this.#edits);
      this.#edits = wider;
    }
    this.#edits[this.#edited] = at;
    this.#edits[this.#edited + 1] = end;
    this.#edits[this.#edited + 2] = opcode;
    this.#edited += EDIT;
  }

  /** Writes a function with its edits. */
  #write(groups: number, declared: number, code: number, end: number, locals: number): void {
    const edits = this.#edits;
    const needs = this.#needs;
    this.#reserve(MAX_HEAD_BYTES);
    const sizeAt = this.#pos;
    // Its size takes five bytes, as LEB128 allows, for it is known last.
    this.#pos += 5;
    const address = locals;
    let small = 0;
    if (needs & NEEDS_THREE) small = 3;
    else if (needs & NEEDS_I32) small = 2;
    else if (needs & NEEDS_ADDRESS) small = 1;
    const wide = needs & (NEEDS_I64 | NEEDS_F32 | NEEDS_F64 | NEEDS_V128);
    let ours = small > 0 ? 1 : 0;
    for (let rest = wide; rest > 0; rest &= rest - 1) ours++;
    this.#u32(groups + ours);
    this.#copy(declared, code);
    this.#reserve(MAX_HEAD_BYTES);
    if (small > 0) this.#op(small, 0x7f);
    // What each kind of value is kept in.
    let next = locals + small;
    const int32 = address + 1;
    const int64 = needs & NEEDS_I64 ? this.#declare(next++, 0x7e) : 0;
    const float32 = needs & NEEDS_F32 ? this.#declare(next++, 0x7d) : 0;
    const float64 = needs & NEEDS_F64 ? this.#declare(next++, 0x7c) : 0;
    const vector = needs & NEEDS_V128 ? this.#declare(next++, 0x7b) : 0;
    let from = code;
    for (let e = 0; e < this.#edited; e += EDIT) {
      const at = edits[e]!;
      const to = edits[e + 1]!;
      const opcode = edits[e + 2]!;
      this.#copy(from, at);
      this.#reserve(MAX_EDIT_BYTES);
      from = to;
      if (opcode >= 0xfd00) this.#store(at, to, address, vector, 1);
      else if (opcode >= 0xfc00) this.#bulk(at, to, address);
      else if (opcode === GLOBAL_GET || opcode === GLOBAL_SET) this.#global(opcode, at);
      else if (opcode === MEMORY_SIZE) this.#op(GLOBAL_GET, this.#indices.slack!.pages);
      else if (opcode === MEMORY_GROW) this.#op(CALL, this.#indices.slack!.grow);
      else {
        const type = STORES[opcode]!;
        const value = type === NEEDS_I32 ? int32 : type === NEEDS_I64 ? int64 : type === NEEDS_F32 ? float32 : float64;
        this.#store(at, to, address, value, 0);
      }
    }
    this.#copy(from, end);
    putPadded(this.#out, sizeAt, this.#pos - sizeAt - 5, 5);
  }

  #declare(index: number, type: number): number {
    this.#op(1, type);
    return index;
  }

  /** Room for so many more bytes. */
  #reserve(count: number): void {
    if (this.#pos + count <= this.#out.length) return;
    const wider = new Uint8Array(Math.max(this.#out.length * 2, this.#pos + count));
    wider.set(this.#out.subarray(0, this.#pos));
    this.#out = wider;
  }

  #copy(from: number, to: number): void {
    const length = to - from;
    this.#reserve(length);
    if (length > SHORT_BYTES) this.#out.set(this.#bytes.subarray(from, to), this.#pos);
    else {
      const [bytes, out, pos] = [this.#bytes, this.#out, this.#pos];
      for (let i = 0; i < length; i++) out[pos + i] = bytes[from + i]!;
    }
    this.#pos += length;
  }

  #append(made: Writer): void {
    this.#reserve(made.length + 5);
    this.#u32(made.length);
    this.#out.set(made.bytes, this.#pos);
    this.#pos += made.length;
  }

  #u32(value: number): void {
    this.#pos = putU32(this.#out, this.#pos, value);
  }

  #u8(byte: number): void {
    this.#out[this.#pos++] = byte;
  }

  #op(opcode: number, operand: number): void {
    this.#out[this.#pos++] = opcode;
    if (operand < 0x80) this.#out[this.#pos++] = operand;
    else this.#pos = putU32(this.#out, this.#pos, operand);
  }

  #global(opcode: number, at: number): void {
    const index = new Reader(this.#bytes, this.#shape.name, at + 1).u32();
    this.#op(opcode, index < this.#indices.movedGlobals ? index : index + 1);
  }

  /** @param prefix how many bytes of the opcode stand before its last number */
  #store(at: number, to: number, address: number, value: number, prefix: number): void {
    const { range, touch } = this.#indices;
    this.#op(LOCAL_SET, value);
    this.#op(LOCAL_TEE, address);
    this.#op(LOCAL_GET, value);
    this.#copy(at, to);
    this.#reserve(MAX_EDIT_BYTES);
    this.#op(LOCAL_GET, address);
    const offset = this.#offset(at + prefix);
    if (offset !== 0) {
      this.#u8(I32_CONST);
      this.#pos = putS32(this.#out, this.#pos, offset);
      this.#u8(I32_ADD);
      if (range !== undefined) this.#op(LOCAL_TEE, address);
    }
    if (range === undefined) {
      this.#op(I32_CONST, PAGE_SHIFT);
      this.#u8(I32_SHR_U);
      this.#op(I32_CONST, 1);
      // To the memory with the index 1.
      for (const byte of [I32_STORE8, 0x40, 1, 0]) this.#u8(byte);
      return;
    }
    this.#op(GLOBAL_GET, range.lowest);
    this.#u8(I32_SUB);
    this.#op(GLOBAL_GET, range.span);
    this.#u8(I32_GT_U);
    this.#op(IF, VOID);
    this.#op(LOCAL_GET, address);
    this.#op(CALL, touch);
    this.#u8(END);
  }

  /** The offset in the memory argument behind the last number of an opcode. */
  #offset(opcode: number): number {
    const r = new Numbers(this.#bytes, opcode);
    r.u32();
    if (r.u32() & 0x40) r.u32();
    return r.u32();
  }

  /** All of these take an address, something, and a length. */
  #bulk(at: number, to: number, address: number): void {
    const [middle, length] = [address + 1, address + 2];
    this.#op(LOCAL_SET, length);
    this.#op(LOCAL_SET, middle);
    this.#op(LOCAL_TEE, address);
    this.#op(LOCAL_GET, middle);
    this.#op(LOCAL_GET, length);
    this.#copy(at, to);
    this.#reserve(MAX_EDIT_BYTES);
    this.#op(LOCAL_GET, length);
    this.#op(IF, VOID);
    this.#op(LOCAL_GET, address);
    if (this.#indices.range === undefined) this.#op(LOCAL_GET, length);
    else {
      this.#op(CALL, this.#indices.touch);
      this.#op(LOCAL_GET, address);
      this.#op(LOCAL_GET, length);
      this.#u8(I32_ADD);
      this.#op(I32_CONST, 1);
      this.#u8(I32_SUB);
    }
    this.#op(CALL, this.#indices.touch);
    this.#u8(END);
  }
}
