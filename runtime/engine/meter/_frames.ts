/**
 * The open blocks of a function that is being planned.
 *
 * @module
 */
import { BLOCK } from "./_events.ts";

/** Index 0 is the function itself. */
export class Frames {
  top = 0;
  kind: Uint8Array = new Uint8Array(64);
  /** Pending cost, checked loops and payer where the block was entered, and how many loops were open. */
  pendingAt: Int32Array = new Int32Array(64);
  checkedAt: Int32Array = new Int32Array(64);
  loopsAt: Int32Array = new Int32Array(64);
  payerAt: Int32Array = new Int32Array(64);
  /** What has arrived at a block's end, or at a loop's header from inside. */
  pendingEnd: Int32Array = new Int32Array(64);
  checkedEnd: Int32Array = new Int32Array(64);
  /** A loop's edit, or a small loop's place in the list of them. */
  header: Int32Array = new Int32Array(64);

  reset(): void {
    this.top = -1;
    this.open(BLOCK, 0, -1, 0, -1);
  }

  open(kind: number, pending: number, checked: number, loops: number, payer: number): void {
    const top = ++this.top;
    if (top === this.kind.length) this.#widen();
    this.kind[top] = kind;
    this.pendingAt[top] = pending;
    this.checkedAt[top] = checked;
    this.loopsAt[top] = loops;
    this.payerAt[top] = payer;
    this.pendingEnd[top] = -1;
    this.checkedEnd[top] = 0x7fffffff;
  }

  /** A path arrives at the label `depth` blocks out. */
  arrive(depth: number, pending: number, checked: number): void {
    if (pending >= 0) this.merge(this.top - depth, pending, checked);
  }

  merge(frame: number, pending: number, checked: number): void {
    if (pending < 0) return;
    if (pending > this.pendingEnd[frame]!) this.pendingEnd[frame] = pending;
    if (checked < this.checkedEnd[frame]!) this.checkedEnd[frame] = checked;
  }

  #widen(): void {
    const wide = <T extends Int32Array | Uint8Array>(old: T, list: T): T => {
      list.set(old);
      return list;
    };
    const ints = (old: Int32Array) => wide(old, new Int32Array(old.length * 2));
    this.kind = wide(this.kind, new Uint8Array(this.kind.length * 2));
    this.pendingAt = ints(this.pendingAt);
    this.checkedAt = ints(this.checkedAt);
    this.loopsAt = ints(this.loopsAt);
    this.payerAt = ints(this.payerAt);
    this.pendingEnd = ints(this.pendingEnd);
    this.checkedEnd = ints(this.checkedEnd);
    this.header = ints(this.header);
  }
}
