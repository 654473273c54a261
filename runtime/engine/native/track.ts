/**
 * Makes core code keep note of where it writes: after every store, two globals say between which addresses all bytes lie
 * that were written since they were last reset. What is outside of them is as it was.
 *
 * Compiled code uses the memory around its stack's upper end: frames below, data and heap above. So the two addresses
 * stay near each other, and the note costs a comparison that is almost always false. Code that writes elsewhere only
 * makes them differ by more.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { coreValType } from "../../component/core_types.ts";
import { instruction } from "./code.ts";
import type { CoreModuleShape } from "./core_module.ts";
import { Writer } from "./writer.ts";

/**
 * In larger modules the notes cost more than they save: such guests write more, and start more slowly anyway. A small
 * program in Go is below.
 */
export const MAX_TRACKED_CODE_BYTES = 2 * 1024 * 1024;

/** A store writes at most so many bytes from its address on. */
export const MAX_STORE_BYTES = 16;

/** The addresses are rounded to such pieces, so that they change less often. */
const GRAIN = 4096;

const LOCAL_GET = 0x20, LOCAL_SET = 0x21, LOCAL_TEE = 0x22, GLOBAL_GET = 0x23, GLOBAL_SET = 0x24;
const I32_CONST = 0x41, I32_EQ = 0x46, I32_LT_U = 0x49, I32_GT_U = 0x4b, I32_ADD = 0x6a, I32_SUB = 0x6b;
const I32_AND = 0x71,
  I32_OR = 0x72,
  CALL = 0x10,
  IF = 0x04,
  ELSE = 0x05,
  END = 0x0b,
  RETURN = 0x0f,
  VOID = 0x40,
  I32_EQZ = 0x45;
const MEMORY_SIZE = 0x3f, MEMORY_GROW = 0x40, I32_GE_U = 0x4f;

type ValueCode = 0x7f | 0x7e | 0x7d | 0x7c | 0x7b;

/** The type of what a store instruction writes. */
const STORES: Readonly<Record<number, ValueCode>> = {
  0x36: 0x7f,
  0x37: 0x7e,
  0x38: 0x7d,
  0x39: 0x7c,
  0x3a: 0x7f,
  0x3b: 0x7f,
  0x3c: 0x7e,
  0x3d: 0x7e,
  0x3e: 0x7e,
};

/** Whether the writes of this module can be tracked. */
export function isTrackable(shape: CoreModuleShape): boolean {
  const code = shape.sections.get(10);
  return code !== undefined && code.end - code.start <= MAX_TRACKED_CODE_BYTES && shape.memories.length === 1 &&
    shape.functions.every((type) => type !== undefined) && shape.sections.has(1) && shape.sections.has(3);
}

/** The indices of what {@linkcode trackedCode} uses: the globals are of type i32, `touch` takes one. */
export interface TrackIndices {
  readonly lowest: number;
  readonly span: number;
  readonly touch: number;
  /** For a memory that has slack (see `slack.ts`): the global with its apparent size, and what grows it. */
  readonly slack?: { readonly pages: number; readonly grow: number };
  /** Globals from here on have their indices raised by one. */
  readonly movedGlobals: number;
}

/** The content of the code section, with tracking; the functions `touch` and, with slack, `grow` are at its end. */
export function trackedCode(bytes: Uint8Array, shape: CoreModuleShape, indices: TrackIndices): Writer {
  const section = shape.sections.get(10)!;
  const r = new Reader(bytes, shape.name, section.start, section.end);
  const out = new Writer((section.end - section.start) * 2);
  const count = r.u32();
  out.u32(count + (indices.slack === undefined ? 1 : 2));
  for (let i = 0; i < count; i++) {
    const type = shape.functions[shape.importedFunctions + i] ??
      r.fail("function and code section have inconsistent lengths");
    const params = type.params.length;
    out.sized(new Body(r.sub(r.u32(), "function"), params, indices).tracked());
  }
  out.sized(touch(indices));
  if (indices.slack !== undefined) out.sized(grow(indices.slack.pages));
  return out;
}

/** One function on its way. */
class Body {
  readonly #r: Reader;
  readonly #indices: TrackIndices;
  readonly #code = new Writer();
  readonly #first: number;
  readonly #declared: { readonly count: number; readonly start: number; readonly end: number };
  /** Our own locals by type; that of the address is an i32 of its own. */
  readonly #added: ValueCode[] = [];

  constructor(r: Reader, params: number, indices: TrackIndices) {
    this.#r = r;
    this.#indices = indices;
    const count = r.u32();
    const start = r.pos;
    let locals = params;
    for (let i = 0; i < count; i++) {
      locals += r.u32();
      coreValType(r);
    }
    this.#declared = { count, start, end: r.pos };
    this.#first = locals;
  }

  tracked(): Writer {
    const r = this.#r;
    const { slack } = this.#indices;
    while (!r.done) {
      const at = r.pos;
      const opcode = instruction(r);
      if (opcode === undefined) throw new RangeError("code that cannot be read cannot be tracked");
      const original = r.bytes.subarray(at, r.pos);
      const stored = STORES[opcode] ?? (opcode === 0xfd0b || opcode >= 0xfd58 && opcode <= 0xfd5b ? 0x7b : undefined);
      if (stored !== undefined) this.#store(original, opcode, stored);
      // `memory.init`, `memory.copy`, `memory.fill`.
      else if (opcode === 0xfc08 || opcode === 0xfc0a || opcode === 0xfc0b) this.#bulk(original);
      else if (opcode === GLOBAL_GET || opcode === GLOBAL_SET) this.#global(original, opcode);
      else if (opcode === MEMORY_SIZE && slack !== undefined) this.#op(GLOBAL_GET, slack.pages);
      else if (opcode === MEMORY_GROW && slack !== undefined) this.#op(CALL, slack.grow);
      else this.#code.raw(original);
    }
    const out = new Writer(this.#code.length + 64);
    out.u32(this.#declared.count + this.#added.length);
    out.raw(r.bytes.subarray(this.#declared.start, this.#declared.end));
    for (const type of this.#added) {
      out.u32(1);
      out.u8(type);
    }
    out.raw(this.#code.bytes);
    return out;
  }

  /** The nth local of our own that has this type. */
  #local(type: ValueCode, nth = 0): number {
    let seen = 0;
    for (let i = 0; i < this.#added.length; i++) {
      if (this.#added[i] === type && seen++ === nth) return this.#first + i;
    }
    this.#added.push(type);
    return seen === nth ? this.#first + this.#added.length - 1 : this.#local(type, nth);
  }

  #op(opcode: number, operand: number): void {
    this.#code.u8(opcode);
    this.#code.u32(operand);
  }

  #global(original: Uint8Array, opcode: number): void {
    const index = new Reader(original, "global", 1).u32();
    this.#op(opcode, index < this.#indices.movedGlobals ? index : index + 1);
  }

  #store(original: Uint8Array, opcode: number, type: ValueCode): void {
    const address = this.#local(0x7f);
    const value = this.#local(type, type === 0x7f ? 1 : 0);
    this.#op(LOCAL_SET, value);
    this.#op(LOCAL_TEE, address);
    this.#op(LOCAL_GET, value);
    this.#code.raw(original);
    const r = new Reader(original, "store");
    if (opcode > 0xff) {
      r.u8();
      r.u32();
    } else r.u8();
    r.u32();
    const offset = Number(r.u64());
    this.#op(LOCAL_GET, address);
    if (offset !== 0) {
      this.#code.u8(I32_CONST);
      this.#code.s32(offset);
      this.#code.u8(I32_ADD);
      this.#op(LOCAL_TEE, address);
    }
    const { lowest, span, touch } = this.#indices;
    this.#op(GLOBAL_GET, lowest);
    this.#code.u8(I32_SUB);
    this.#op(GLOBAL_GET, span);
    this.#code.u8(I32_GT_U, IF, VOID);
    this.#op(LOCAL_GET, address);
    this.#op(CALL, touch);
    this.#code.u8(END);
  }

  /** All of these take an address, something, and a length. */
  #bulk(original: Uint8Array): void {
    const address = this.#local(0x7f);
    const middle = this.#local(0x7f, 1);
    const length = this.#local(0x7f, 2);
    this.#op(LOCAL_SET, length);
    this.#op(LOCAL_SET, middle);
    this.#op(LOCAL_TEE, address);
    this.#op(LOCAL_GET, middle);
    this.#op(LOCAL_GET, length);
    this.#code.raw(original);
    this.#op(LOCAL_GET, length);
    this.#code.u8(IF, VOID);
    this.#op(LOCAL_GET, address);
    this.#op(CALL, this.#indices.touch);
    this.#op(LOCAL_GET, address);
    this.#op(LOCAL_GET, length);
    this.#code.u8(I32_ADD, I32_CONST, 1, I32_SUB);
    this.#op(CALL, this.#indices.touch);
    this.#code.u8(END);
  }
}

/** Widens the two addresses so that a third lies between them. */
function touch({ lowest, span }: TrackIndices): Writer {
  const w = new Writer();
  const op = (opcode: number, operand: number) => {
    w.u8(opcode);
    w.u32(operand);
  };
  const constant = (value: number) => {
    w.u8(I32_CONST);
    w.s32(value);
  };
  w.u32(0);
  op(LOCAL_GET, 0);
  op(GLOBAL_GET, lowest);
  w.u8(I32_SUB);
  op(GLOBAL_GET, span);
  w.u8(I32_GT_U, I32_EQZ, IF, VOID, 0x0f, END);
  // Nothing has been written yet: both are at its page.
  op(GLOBAL_GET, lowest);
  constant(-1);
  w.u8(I32_EQ, IF, VOID);
  op(LOCAL_GET, 0);
  constant(-GRAIN);
  w.u8(I32_AND);
  op(GLOBAL_SET, lowest);
  constant(GRAIN - 1);
  op(GLOBAL_SET, span);
  w.u8(ELSE);
  op(LOCAL_GET, 0);
  op(GLOBAL_GET, lowest);
  w.u8(I32_LT_U, IF, VOID);
  op(GLOBAL_GET, span);
  op(GLOBAL_GET, lowest);
  w.u8(I32_ADD);
  op(LOCAL_GET, 0);
  constant(-GRAIN);
  w.u8(I32_AND);
  op(GLOBAL_SET, lowest);
  op(GLOBAL_GET, lowest);
  w.u8(I32_SUB);
  op(GLOBAL_SET, span);
  w.u8(ELSE);
  op(LOCAL_GET, 0);
  constant(GRAIN - 1);
  w.u8(I32_OR);
  op(GLOBAL_GET, lowest);
  w.u8(I32_SUB);
  op(GLOBAL_SET, span);
  w.u8(END, END, END);
  return w;
}

/** `memory.grow` of a memory whose apparent size is in the global `pages`: it really grows by what is not there yet. */
function grow(pages: number): Writer {
  const w = new Writer();
  const op = (opcode: number, operand: number) => {
    w.u8(opcode);
    w.u32(operand);
  };
  const room = () => {
    w.u8(MEMORY_SIZE, 0);
    op(GLOBAL_GET, pages);
    w.u8(I32_SUB);
  };
  w.u8(0);
  room();
  op(LOCAL_GET, 0);
  w.u8(I32_GE_U, I32_EQZ, IF, VOID);
  op(LOCAL_GET, 0);
  room();
  w.u8(I32_SUB, MEMORY_GROW, 0, I32_CONST, 0x7f, I32_EQ, IF, VOID, I32_CONST, 0x7f, RETURN, END, END);
  op(GLOBAL_GET, pages);
  op(GLOBAL_GET, pages);
  op(LOCAL_GET, 0);
  w.u8(I32_ADD);
  op(GLOBAL_SET, pages);
  w.u8(END);
  return w;
}
