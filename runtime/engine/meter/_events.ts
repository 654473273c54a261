/**
 * What the scan of a function's body leaves for the plan: only the instructions that matter to it, each with the cost
 * of all that lies between it and the one before.
 *
 * @module
 */

export const BLOCK = 0;
export const LOOP = 1;
export const IF = 2;
export const ELSE = 3;
export const TRY = 4;
export const CATCH = 5;
export const TRY_TABLE = 6;
/** The end of a block; the last one ends the function. */
export const END = 7;
export const DELEGATE = 8;
export const BR = 9;
/** Any branch that may also go on behind it. */
export const BR_IF = 10;
export const BR_TABLE = 11;
export const RETURN = 12;
/** What never goes on behind it: unreachable, throw. */
export const STOP = 13;
export const CALL = 14;
export const CALL_INDIRECT = 15;
export const RETURN_CALL = 16;
export const RETURN_CALL_INDIRECT = 17;
export const REF_FUNC = 18;
/** Work as long as the number on the stack's top says. */
export const BULK = 19;
export const MEMORY_GROW = 20;
export const TABLE_GROW = 21;
export const ATOMIC_WAIT = 22;
/** A loop whose body is repeated. */
export const SMALL_LOOP = 23;
/** Nothing, but that so much has been done that it is to be paid for here. */
export const STEP = 24;

// What a bulk operation's length counts: the argument of BULK is this, shifted by one, and 1 where the length is 64-bit.
/** Bytes, or elements of an array that take one or two. */
export const BULK_BYTES = 0;
/** Elements of a table. */
export const BULK_ELEMENTS = 1;
/** Elements of an array that take more. */
export const BULK_ITEMS = 2;

/** Bits of a kind; its argument stands above them. */
export const KIND_BITS = 5;
export const KIND_MASK = 31;
/** Numbers per event: kind and argument, offset of the opcode, cost since the event before. */
export const EVENT = 3;

/** A list of numbers that grows. */
export class Ints {
  data: Int32Array;
  length = 0;

  constructor(capacity: number) {
    this.data = new Int32Array(capacity);
  }

  /** Room for `count` more. The caller may write to `data` and `length` itself after this. */
  reserve(count: number): void {
    if (this.length + count <= this.data.length) return;
    const wider = new Int32Array(Math.max(this.data.length * 2, this.length + count));
    wider.set(this.data.subarray(0, this.length));
    this.data = wider;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }

  push3(a: number, b: number, c: number): void {
    if (this.length + 3 > this.data.length) this.reserve(3);
    this.data[this.length] = a;
    this.data[this.length + 1] = b;
    this.data[this.length + 2] = c;
    this.length += 3;
  }
}
