/**
 * Writes the instructions that pay and look.
 *
 * @module
 */
import { putS32, putU32 } from "../writer.ts";
import { BULK_BYTES_SHIFT, BULK_BYTES_SHIFT_64, BULK_ELEMENTS_SHIFT } from "./_costs.ts";
import { KEPT_COUNT } from "./_edits.ts";
import * as ev from "./_events.ts";
import type { Layout } from "./_layout.ts";

/** The new code section, as far as it is written. */
export class Snippets {
  readonly layout: Layout;
  readonly out: Uint8Array<ArrayBuffer>;
  pos = 0;
  /** Triples: a body, an offset in it, whether the branch there is taken. */
  readonly hints: ev.Ints = new ev.Ints(1024);
  // The body that is being written: its place, where it begins, the indices of its added locals.
  body = 0;
  start = 0;
  count = 0;
  temp = 0;
  temp64 = 0;

  constructor(layout: Layout, capacity: number) {
    this.layout = layout;
    this.out = new Uint8Array(capacity);
  }

  u8(byte: number): void {
    this.out[this.pos++] = byte;
  }

  op(code: number, index: number): void {
    this.out[this.pos++] = code;
    this.pos = putU32(this.out, this.pos, index);
  }

  const(value: number): void {
    this.out[this.pos++] = 0x41;
    this.pos = putS32(this.out, this.pos, value);
  }

  /** Opens an `if` that is seldom entered. */
  if(): void {
    this.hints.push3(this.body, this.pos - this.start, 0);
    this.u8(0x04);
    this.u8(0x40);
  }

  /** Calls the host when the number on the stack is negative. */
  lookIfNegative(): void {
    this.const(0);
    this.u8(0x48);
    this.if();
    this.op(0x10, this.layout.refuel);
    this.u8(0x0b);
  }

  check(cost: number): void {
    const { counter } = this.layout;
    this.op(0x23, counter);
    this.const(cost);
    this.u8(0x6b);
    this.op(0x22, this.temp);
    this.op(0x24, counter);
    this.op(0x20, this.temp);
    this.lookIfNegative();
  }

  turn(cost: number): void {
    this.op(0x20, this.count);
    this.const(cost);
    this.u8(0x6a);
    this.op(0x22, this.count);
    this.const(KEPT_COUNT);
    this.u8(0x4a);
    this.if();
    this.op(0x20, this.count);
    this.op(0x10, this.layout.spend);
    this.op(0x21, this.count);
    this.u8(0x0b);
  }

  /** Pays for as much as the length on the stack says, which stays there. */
  bulk(unit: number, cost: number): void {
    const { counter } = this.layout;
    const is64 = (unit & 1) !== 0;
    const local = is64 ? this.temp64 : this.temp;
    const what = unit >> 1;
    this.op(0x22, local);
    this.op(0x23, counter);
    this.op(0x20, local);
    // A length so large that this is wrong traps at once.
    if (is64) {
      if (what === ev.BULK_BYTES) {
        this.u8(0x42);
        this.u8(BULK_BYTES_SHIFT_64);
        this.u8(0x88);
      }
      this.u8(0xa7);
    } else if (what === ev.BULK_BYTES) {
      this.const(BULK_BYTES_SHIFT);
      this.u8(0x76);
    }
    if (what === ev.BULK_ELEMENTS) {
      this.const(BULK_ELEMENTS_SHIFT);
      this.u8(0x74);
    }
    this.u8(0x6b);
    this.const(cost);
    this.u8(0x6b);
    this.op(0x24, counter);
    this.op(0x23, counter);
    this.lookIfNegative();
  }
}
