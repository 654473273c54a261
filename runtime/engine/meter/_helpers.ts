/**
 * The functions that a rewrite appends to a module.
 *
 * @module
 */
import { Writer } from "../writer.ts";
import { BULK_ELEMENTS_SHIFT } from "./_costs.ts";
import { I32, I64, type Layout } from "./_layout.ts";
import type { Limited, ModuleInfo } from "./_module.ts";
import type { Bounds } from "./_limits.ts";

/** What a `grow` hook is asked or told, its first argument. */
export const ASK_MEMORY = 0;
export const ASK_TABLE = 1;
export const REFUSED_MEMORY = 2;
export const REFUSED_TABLE = 3;

/** What `wait` is called for, its argument. */
export const WAIT_FUEL = 0;
export const WAIT_GROW = 1;

/** What a body's own count is paid ahead, so that it is seldom spent. */
const PREPAID = 1024;

/** The answer of `grow` after which `wait` is called. */
const ANSWER_WAIT = 2;

export interface Helper {
  readonly name: string;
  readonly type: number;
  readonly body: Uint8Array;
}

/** The helpers in the order of their indices. */
export function makeHelpers(module: ModuleInfo, layout: Layout, bounds: Bounds): Helper[] {
  if (layout.moved === 0) return [];
  const { types } = layout;
  const helpers: Helper[] = [
    { name: "refuel", type: types.index([], []), body: refuel(layout) },
    { name: "pay", type: types.index([I32], []), body: pay(layout) },
    { name: "spend", type: types.index([I32], [I32]), body: spend(layout) },
  ];
  for (const index of layout.growMemory.keys()) {
    const type = module.memories[index]!.is64 ? I64 : I32;
    const body = grow(module, layout, bounds, index, "memory");
    helpers.push({ name: `grow-memory-${index}`, type: types.index([type], [type]), body });
  }
  for (const index of layout.growTable.keys()) {
    const table = module.tables[index]!;
    const w = new Writer();
    w.u8(0x60, 2);
    w.raw(table.element!);
    w.u8(table.is64 ? I64 : I32, 1, table.is64 ? I64 : I32);
    const body = grow(module, layout, bounds, index, "table");
    helpers.push({ name: `grow-table-${index}`, type: types.add(w.bytes), body });
  }
  return helpers;
}

/** Asks the host for more. Zero means that it wants to wait, less that the guest must end. */
function refuel(layout: Layout): Uint8Array {
  const a = new Code(1, I32);
  a.get(layout.counter, true);
  a.call(layout.hooks[0]!.index);
  a.tee(0);
  a.op(0x45); // i32.eqz
  a.if(() => {
    a.const(WAIT_FUEL);
    a.call(layout.hooks[1]!.index);
    a.set(0);
  });
  a.trapIfNegative(0);
  a.get(0);
  a.set(layout.counter, true);
  return a.done();
}

/** Pays a cost. */
function pay(layout: Layout): Uint8Array {
  const a = new Code(1, I32);
  a.get(layout.counter, true);
  a.get(0);
  a.op(0x6b); // i32.sub
  a.tee(1);
  a.set(layout.counter, true);
  a.get(1);
  a.const(0);
  a.op(0x48); // i32.lt_s
  a.if(() => a.call(layout.refuel));
  return a.done();
}

/**
 * Pays a body's own count, and some of what is to come, which is lost when the body ends before. Returns what the count
 * is then.
 */
function spend(layout: Layout): Uint8Array {
  const a = new Code();
  a.get(layout.counter, true);
  a.get(0);
  a.op(0x6b); // i32.sub
  a.const(PREPAID);
  a.op(0x6b);
  a.set(layout.counter, true);
  a.get(layout.counter, true);
  a.const(0);
  a.op(0x48); // i32.lt_s
  a.if(() => a.call(layout.refuel));
  a.const(-PREPAID);
  return a.done();
}

/**
 * `memory.grow` or `table.grow` in bounds, with the host's leave, and telling it of a refusal.
 *
 * The bounds of memories that a module defines hold for all of them together.
 */
function grow(module: ModuleInfo, layout: Layout, bounds: Bounds, index: number, what: "memory" | "table"): Uint8Array {
  const isMemory = what === "memory";
  const all = isMemory ? module.memories : module.tables;
  const own = all[index]!;
  const together = all.flatMap((other, i) => (own.imported ? i === index : !other.imported) ? [i] : []);
  const { max, ask } = isMemory ? bounds.memory : bounds.table;
  const deltaParam = isMemory ? 0 : 1;
  const [delta, total, answer, result] = [1, 2, 3, 4].map((i) => deltaParam + i) as [number, number, number, number];
  const hook = layout.hooks[2]!.index;

  const a = new Code(2, I64, 1, I32, 1, own.is64 ? I64 : I32);
  const widen = (other: Limited) => other.is64 || a.op(0xad); // i64.extend_i32_u
  const size = (i: number) => {
    if (isMemory) a.op(0x3f, i);
    else a.op(0xfc, 0x10, i);
    widen(all[i]!);
  };
  const above = (limit: number) => {
    // By itself first: the sum of a hostile number may wrap.
    a.get(delta);
    a.const64(BigInt(limit));
    a.op(0x56); // i64.gt_u
    a.get(delta);
    a.get(total);
    a.op(0x7c); // i64.add
    a.const64(BigInt(limit));
    a.op(0x56);
    a.op(0x72); // i32.or
  };
  const tell = (kind: number) => {
    a.const(kind);
    a.const(index);
    for (const local of [total, delta]) {
      a.get(local);
      a.op(0xba); // f64.convert_i64_u
    }
    a.call(hook);
  };

  a.get(deltaParam);
  widen(own);
  a.set(delta);
  together.forEach((i, nth) => {
    size(i);
    if (nth > 0) a.op(0x7c);
  });
  a.set(total);
  a.block(() => { // 0: refused
    a.block(() => { // 0: granted
      a.get(delta);
      a.op(0x50); // i64.eqz
      a.op(0x0d, 0); // br_if
      if (max !== undefined && !own.imported) {
        above(max);
        a.op(0x0d, 1);
      }
      if (ask !== undefined) {
        above(ask);
        a.if(() => {
          tell(isMemory ? ASK_MEMORY : ASK_TABLE);
          a.tee(answer);
          a.const(ANSWER_WAIT);
          a.op(0x46); // i32.eq
          a.if(() => {
            a.const(WAIT_GROW);
            a.call(layout.hooks[1]!.index);
            a.set(answer);
          });
          a.trapIfNegative(answer);
          a.get(answer);
          a.op(0x45);
          a.if(() => {
            a.minusOne(own.is64);
            a.op(0x0f); // return
          });
        });
      }
    });
    payForGrowth(a, layout.counter, delta, isMemory);
    for (let i = 0; i <= deltaParam; i++) a.get(i);
    if (isMemory) a.op(0x40, index);
    else a.op(0xfc, 0x0f, index);
    a.tee(result);
    a.minusOne(own.is64);
    a.op(own.is64 ? 0x52 : 0x47); // ne
    a.if(() => {
      a.get(result);
      a.op(0x0f);
    });
  });
  tell(isMemory ? REFUSED_MEMORY : REFUSED_TABLE);
  a.op(0x1a); // drop
  a.minusOne(own.is64);
  return a.done();
}

/** New pages are to be cleared, new elements written. What is more than fits is refused anyway. */
function payForGrowth(a: Code, counter: number, delta: number, isMemory: boolean): void {
  const most = isMemory ? 0x10000n : 0x1000000n;
  a.get(counter, true);
  a.get(delta);
  a.const64(most);
  a.get(delta);
  a.const64(most);
  a.op(0x54); // i64.lt_u
  a.op(0x1b); // select
  a.op(0xa7); // i32.wrap_i64
  a.const(isMemory ? 10 : BULK_ELEMENTS_SHIFT);
  a.op(0x74); // i32.shl
  a.op(0x6b); // i32.sub
  a.set(counter, true);
}

/** A function's body. */
class Code {
  readonly #w = new Writer();

  /** Locals as pairs: how many, of which type. */
  constructor(...locals: readonly number[]) {
    this.#w.u8(locals.length / 2, ...locals);
  }

  op(code: number, ...immediates: readonly number[]): void {
    this.#w.u8(code);
    for (const immediate of immediates) this.#w.u32(immediate);
  }

  get(index: number, global = false): void {
    this.op(global ? 0x23 : 0x20, index);
  }

  set(index: number, global = false): void {
    this.op(global ? 0x24 : 0x21, index);
  }

  tee(index: number): void {
    this.op(0x22, index);
  }

  call(index: number): void {
    this.op(0x10, index);
  }

  const(value: number): void {
    this.#w.u8(0x41);
    this.#w.s32(value);
  }

  const64(value: bigint): void {
    this.#w.u8(0x42);
    this.#w.s64(value);
  }

  minusOne(is64: boolean): void {
    if (is64) this.const64(-1n);
    else this.const(-1);
  }

  if(then: () => void): void {
    this.#w.u8(0x04, 0x40);
    then();
    this.#w.u8(0x0b);
  }

  block(inside: () => void): void {
    this.#w.u8(0x02, 0x40);
    inside();
    this.#w.u8(0x0b);
  }

  /** A trap, unlike what a hook throws, cannot be caught by the guest. */
  trapIfNegative(local: number): void {
    this.get(local);
    this.const(0);
    this.op(0x48);
    this.if(() => this.op(0x00)); // unreachable
  }

  done(): Uint8Array {
    this.#w.u8(0x0b);
    return this.#w.bytes;
  }
}
