/**
 * Steps over the instructions of core functions, as fast as it goes in code that has not run before: a component's first
 * request waits for it.
 *
 * Nothing here checks what the compiler checks: bytes that are copied as they are meet it later. What is misread runs
 * over the end of its function, where whoever steps must look.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";

// What follows an opcode, as far as it is stepped over here: nothing, one number, a memory argument, constants.
export const NONE = 0, LEB = 1, MEMARG = 2, STORE = 3, GLOBAL = 4, BYTES4 = 5, BYTES8 = 6, OTHER = 7;

/** By one-byte opcodes; {@linkcode OTHER} is for {@linkcode skipOther}. */
export const STEP: Uint8Array = new Uint8Array(256).fill(OTHER);
for (
  const [from, to, step] of [
    [0x00, 0x01, NONE], // unreachable, nop
    [0x05, 0x05, NONE], // else
    [0x07, 0x09, LEB], // catch, throw, rethrow
    [0x0a, 0x0b, NONE], // throw_ref, end
    [0x0c, 0x0d, LEB], // br, br_if
    [0x0f, 0x0f, NONE], // return
    [0x10, 0x10, LEB], // call
    [0x12, 0x12, LEB], // return_call
    [0x14, 0x15, LEB], // call_ref, return_call_ref
    [0x18, 0x18, LEB], // delegate
    [0x19, 0x1b, NONE], // catch_all, drop, select
    [0x20, 0x22, LEB], // local.get, local.set, local.tee
    [0x23, 0x24, GLOBAL],
    [0x25, 0x25, LEB], // table.get
    [0x28, 0x35, MEMARG], // loads
    [0x36, 0x3e, STORE],
    [0x41, 0x42, LEB], // i32.const, i64.const
    [0x43, 0x43, BYTES4],
    [0x44, 0x44, BYTES8],
    [0x45, 0xc4, NONE], // arithmetic
    [0xd0, 0xd0, LEB], // ref.null
    [0xd1, 0xd1, NONE], // ref.is_null
    [0xd2, 0xd2, LEB], // ref.func
    [0xd3, 0xd4, NONE], // ref.eq, ref.as_non_null
    [0xd5, 0xd6, LEB], // br_on_null, br_on_non_null
  ] as const
) STEP.fill(step, from, to + 1);

/** In a memory argument, this bit of the alignment says that the memory's index follows. */
export const NAMES_MEMORY = 0x40;

export function afterMemarg(bytes: Uint8Array, at: number): number {
  let p = at;
  const align = bytes[p]!;
  while (bytes[p++]! & 0x80);
  if (align & NAMES_MEMORY) { while (bytes[p++]! & 0x80); }
  while (bytes[p++]! & 0x80);
  return p;
}

/**
 * Where the operands end of an instruction that has no step of its own: they begin at `from`. -1 if it is not known, or
 * changes more of an instance than its memories and globals.
 */
export function skipOther(bytes: Uint8Array, opcode: number, from: number): number {
  const r = new Numbers(bytes, from);
  /** A vector of what `step` steps over; where its length is none, the end is soon reached. */
  const each = (more: number, step: () => void) => {
    for (let left = r.u32() + more; left > 0 && r.pos < bytes.length; left--) step();
  };
  switch (opcode) {
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
    case 0x06: // try
      r.type();
      return r.pos;
    case 0x0e: // br_table
      each(1, () => r.u32());
      return r.pos;
    case 0x11: // call_indirect
    case 0x13: // return_call_indirect
      r.u32();
      r.u32();
      return r.pos;
    case 0x1c: // select t
      each(0, () => r.type());
      return r.pos;
    case 0x1f: // try_table
      r.type();
      each(0, () => {
        if (bytes[r.pos++]! < 2) r.u32();
        r.u32();
      });
      return r.pos;
    case 0x3f: // memory.size
    case 0x40: // memory.grow
      r.u32();
      return r.pos;
    case 0xfc:
      return skipMisc(r);
    case 0xfd:
      return skipVector(bytes, r);
    default:
      return -1;
  }
}

/** Saturating truncation; `memory.init`, `memory.copy`, `memory.fill`; `table.size`. */
function skipMisc(r: Numbers): number {
  const sub = r.u32();
  if (sub === 0x08 || sub === 0x0a) {
    r.u32();
    r.u32();
  } else if (sub === 0x0b || sub === 0x10) r.u32();
  else if (sub > 0x07 || sub < 0) return -1;
  return r.pos;
}

/** Whether a vector instruction is a load or a store, also of a lane. */
export function hasMemarg(sub: number): boolean {
  return sub <= 0x0b || sub >= 0x54 && sub <= 0x5d;
}

function skipVector(bytes: Uint8Array, r: Numbers): number {
  const sub = r.u32();
  if (sub < 0 || sub > 0x113) return -1;
  if (hasMemarg(sub)) r.pos = afterMemarg(bytes, r.pos);
  // A constant, a shuffle; lanes.
  if (sub === 0x0c || sub === 0x0d) r.pos += 16;
  else if (sub >= 0x15 && sub <= 0x22 || sub >= 0x54 && sub <= 0x5b) r.pos++;
  return r.pos;
}
