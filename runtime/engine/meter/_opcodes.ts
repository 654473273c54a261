/**
 * The immediates of every instruction that V8 accepts by default, and what an instruction costs.
 *
 * @module
 */
import { COST } from "./_costs.ts";

/** No immediate. */
export const NONE = 0;
/** One LEB128 number that stays as it is: a constant, a table, a memory, a segment. */
export const LEB = 1;
/** A memory argument. */
export const MEMARG = 2;
/** What needs more than a step over it: control flow, calls, indices that are checked, work of a length. */
export const OWN = 3;
/** A local's index. */
export const LOCAL = 4;
/** A type's index. */
export const TYPE = 5;
/** A type's index and a LEB128 number. */
export const TYPE_LEB = 6;
/** A heap type. */
export const HEAP = 8;
/** One byte: a lane. */
export const BYTE1 = 9;
/** A memory argument and a lane. */
export const MEMARG_BYTE1 = 10;
/** Sixteen bytes. */
export const BYTE16 = 11;
/** An opcode that V8 does not accept by default, or none at all. */
export const UNKNOWN = 255;

/**
 * How a one-byte opcode is stepped over at once, together with the two bytes behind it, which must be clear where the
 * masks are set. From the lowest bit: a mask of eight bits for each of the two; {@linkcode NOT_AT_ONCE}; two bits for the
 * length; from {@linkcode COST_SHIFT} on the cost; the sign, where the first of them is a local's index.
 */
export const STEP: Int32Array = new Int32Array(256);
/** There is more to it than to step over it. */
export const NOT_AT_ONCE: number = 1 << 16;
export const LENGTH_SHIFT = 17;
export const COST_SHIFT = 24;
export const COST_MASK = 0x7f;

function table(size: number, ranges: readonly (readonly [from: number, to: number, kind: number])[]): Uint8Array {
  const kinds = new Uint8Array(size).fill(UNKNOWN);
  for (const [from, to, kind] of ranges) kinds.fill(kind, from, to + 1);
  return kinds;
}

/** Immediates of one-byte opcodes. */
export const PLAIN: Uint8Array = table(256, [
  [0x00, 0x00, OWN], // unreachable
  [0x01, 0x01, NONE], // nop
  [0x02, 0x15, OWN], // block … return_call_ref
  [0x18, 0x19, OWN], // delegate, catch_all
  [0x1a, 0x1b, NONE], // drop, select
  [0x1c, 0x1c, OWN], // select t
  [0x1f, 0x1f, OWN], // try_table
  [0x20, 0x22, LOCAL], // local.get, local.set, local.tee
  [0x23, 0x24, OWN], // global.get, global.set
  [0x25, 0x25, LEB], // table.get
  [0x26, 0x26, OWN], // table.set
  [0x28, 0x3e, MEMARG], // loads and stores
  [0x3f, 0x40, OWN], // memory.size, memory.grow
  [0x41, 0x42, LEB], // i32.const, i64.const
  [0x43, 0x44, OWN], // f32.const, f64.const
  [0x45, 0xc4, NONE], // arithmetic
  [0xd0, 0xd0, OWN], // ref.null
  [0xd1, 0xd1, NONE], // ref.is_null
  [0xd2, 0xd2, OWN], // ref.func
  [0xd3, 0xd4, NONE], // ref.eq, ref.as_non_null
  [0xd5, 0xd6, OWN], // br_on_null, br_on_non_null
  [0xfb, 0xfe, OWN], // prefixes
]);

for (let code = 0; code < 256; code++) {
  const kind = PLAIN[code];
  // Numbers of one byte, and an alignment without the number of a memory.
  const [length, masks] = kind === NONE
    ? [1, 0]
    : kind === LEB || kind === LOCAL
    ? [2, 0x80]
    : kind === MEMARG
    ? [3, 0x80_c0]
    : [1, NOT_AT_ONCE];
  STEP[code] = masks | length << LENGTH_SHIFT | COST[code]! << COST_SHIFT | (kind === LOCAL ? 1 << 31 : 0);
}

/** Immediates behind the prefix 0xfb: garbage collection. */
export const GC: Uint8Array = table(0x1f, [
  [0x00, 0x01, TYPE], // struct.new, struct.new_default
  [0x02, 0x05, TYPE_LEB], // struct.get, struct.set
  [0x06, 0x07, OWN], // array.new, array.new_default
  [0x08, 0x08, OWN], // array.new_fixed
  [0x09, 0x0a, OWN], // array.new_data, array.new_elem
  [0x0b, 0x0e, TYPE], // array.get, array.set
  [0x0f, 0x0f, NONE], // array.len
  [0x10, 0x13, OWN], // array.fill, array.copy, array.init_data, array.init_elem
  [0x14, 0x17, HEAP], // ref.test, ref.cast
  [0x18, 0x19, OWN], // br_on_cast, br_on_cast_fail
  [0x1a, 0x1e, NONE], // conversions, i31
]);

/** Immediates behind the prefix 0xfc: saturating truncation, bulk memory, tables. */
export const MISC: Uint8Array = table(0x12, [
  [0x00, 0x07, NONE],
  [0x08, 0x08, OWN], // memory.init
  [0x09, 0x09, LEB], // data.drop
  [0x0a, 0x0c, OWN], // memory.copy, memory.fill, table.init
  [0x0d, 0x0d, LEB], // elem.drop
  [0x0e, 0x0f, OWN], // table.copy, table.grow
  [0x10, 0x10, LEB], // table.size
  [0x11, 0x11, OWN], // table.fill
]);

/** Immediates behind the prefix 0xfd: vectors, and from 0x100 the relaxed ones. */
export const SIMD: Uint8Array = table(0x114, [
  [0x00, 0x0b, MEMARG], // v128.load … v128.store
  [0x0c, 0x0d, BYTE16], // v128.const, i8x16.shuffle
  [0x0e, 0x14, NONE],
  [0x15, 0x22, BYTE1], // extract_lane, replace_lane
  [0x23, 0x53, NONE],
  [0x54, 0x5b, MEMARG_BYTE1], // load_lane, store_lane
  [0x5c, 0x5d, MEMARG], // load_zero
  [0x5e, 0xff, NONE],
  [0x9a, 0x9a, UNKNOWN],
  [0xa2, 0xa2, UNKNOWN],
  [0xa5, 0xa6, UNKNOWN],
  [0xaf, 0xb0, UNKNOWN],
  [0xb2, 0xb4, UNKNOWN],
  [0xbb, 0xbb, UNKNOWN],
  [0xc2, 0xc2, UNKNOWN],
  [0xc5, 0xc6, UNKNOWN],
  [0xcf, 0xd0, UNKNOWN],
  [0xd2, 0xd4, UNKNOWN],
  [0xe2, 0xe2, UNKNOWN],
  [0xee, 0xee, UNKNOWN],
  [0x100, 0x113, NONE], // relaxed
]);

/** Immediates behind the prefix 0xfe: atomics. */
export const ATOMIC: Uint8Array = table(0x4f, [
  [0x00, 0x00, MEMARG], // memory.atomic.notify
  [0x01, 0x02, OWN], // memory.atomic.wait32, wait64
  [0x03, 0x03, LEB], // atomic.fence
  [0x10, 0x4e, MEMARG],
]);

/**
 * By the opcode before a branch, 1 where what it pushes may be a local's own value, or whether that is zero: see
 * `MAX_CONDITIONS`.
 */
export const MAY_BE_LOCAL: Uint8Array = new Uint8Array(256).fill(1);
for (let code = 0x28; code <= 0x35; code++) MAY_BE_LOCAL[code] = 0; // loads
for (let code = 0x48; code <= 0x4f; code++) MAY_BE_LOCAL[code] = 0; // comparisons but those for being equal
for (let code = 0x53; code <= 0x5a; code++) MAY_BE_LOCAL[code] = 0;
for (let code = 0x5b; code <= 0x69; code++) MAY_BE_LOCAL[code] = 0; // of floats; counts of bits
for (const code of [0x23, 0x3f, 0xd1]) MAY_BE_LOCAL[code] = 0; // global.get, memory.size, ref.is_null
