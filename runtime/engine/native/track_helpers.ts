/**
 * The functions that tracking adds to a module.
 *
 * @module
 */
import { Writer } from "../writer.ts";
import type { TrackIndices } from "./tracking.ts";

/** The addresses are rounded to such pieces, so that they change less often. */
const GRAIN = 4096;

const LOCAL_GET = 0x20, GLOBAL_GET = 0x23, GLOBAL_SET = 0x24;
const I32_CONST = 0x41, I32_EQZ = 0x45, I32_EQ = 0x46, I32_LT_U = 0x49, I32_GT_U = 0x4b, I32_GE_U = 0x4f;
const I32_ADD = 0x6a, I32_SUB = 0x6b, I32_AND = 0x71, I32_OR = 0x72, I32_SHR_U = 0x76;
const IF = 0x04, ELSE = 0x05, END = 0x0b, RETURN = 0x0f, VOID = 0x40;
const MEMORY_SIZE = 0x3f, MEMORY_GROW = 0x40;

/** Widens the two addresses so that a third lies between them. */
export function touch({ lowest, span }: NonNullable<TrackIndices["range"]>): Writer {
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

/** Notes the pages, of 2 to `shift` bytes, from an address on for a length that is not zero. */
export function touchPages(shift: number): Writer {
  const w = new Writer();
  const pageOf = (address: () => void) => {
    address();
    w.u8(I32_CONST);
    w.s32(shift);
    w.u8(I32_SHR_U);
  };
  const first = () => w.u8(LOCAL_GET, 0);
  const last = () => w.u8(LOCAL_GET, 0, LOCAL_GET, 1, I32_ADD, I32_CONST, 1, I32_SUB);
  w.u8(0);
  pageOf(first);
  w.u8(I32_CONST, 1);
  pageOf(last);
  pageOf(first);
  w.u8(I32_SUB, I32_CONST, 1, I32_ADD);
  // `memory.fill` of the memory with the index 1.
  w.u8(0xfc, 0x0b, 1, END);
  return w;
}

/** `memory.grow` of a memory whose apparent size is in the global `pages`: it really grows by what is not there yet. */
export function grow(pages: number): Writer {
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
