/**
 * How many values there are, instruction by instruction: a function's locals, and what stands on its stack.
 *
 * It is read only of functions that are large and might have many: see `_work.ts`. The code has been read before, and is
 * well formed; it may still be invalid, and then what is said of it does not matter, but that it ends.
 *
 * @module
 */
import { Cursor } from "./_cursor.ts";
import { MISC_EFFECTS, OWN, PLAIN_EFFECTS, VECTOR_EFFECTS } from "./_effects.ts";
import type { ModuleInfo } from "./_module.ts";
import * as op from "./_opcodes.ts";
import { fieldsOf } from "./_types.ts";

/** What a type's value costs where it is compared, of those that are only gone over. */
export const TYPE_VALUES = 32;
/** What each instruction goes over, of what a branch does: whoever looks for a free register looks through all. */
export const VALUE_OF_INSTRUCTION = 1 / 32;

/** A function's body. */
export interface Body {
  readonly type: number;
  /** Parameters and locals. */
  readonly locals: number;
  /** Where its instructions begin and end. */
  readonly start: number;
  readonly end: number;
}

/** Of a block that is open: how high the stack is below it, what it takes and gives, and what a branch to it takes. */
interface Frame {
  readonly base: number;
  readonly params: number;
  readonly results: number;
  readonly label: number;
}

const NOT_A_STEP = -1;

export class Heights {
  readonly #c: Cursor;
  readonly #frames: Frame[] = [];
  #height = 0;

  constructor(module: ModuleInfo) {
    this.#c = new Cursor(module);
  }

  /** What a compiler goes over at the instructions of a function, all together: see `_work.ts`. */
  values({ type, locals, start, end }: Body): number {
    const c = this.#c;
    c.pos = start;
    c.end = end;
    this.#frames.length = 0;
    this.#height = 0;
    const results = c.module.typeResults[type]!;
    this.#frames.push({ base: 0, params: 0, results, label: results });
    let total = 0;
    while (c.pos < end && this.#frames.length > 0) {
      const code = c.bytes[c.pos++]!;
      const effect = PLAIN_EFFECTS[code]!;
      total += (locals + this.#height) * VALUE_OF_INSTRUCTION;
      if (effect === OWN) {
        const there = locals + this.#height;
        const compared = this.#step(code, there);
        if (compared !== NOT_A_STEP) total += there + compared * TYPE_VALUES;
      } else {
        this.#move(effect);
        const kind = op.PLAIN[code];
        if (kind === op.MEMARG) c.memarg();
        else if (kind !== op.NONE) c.skip();
      }
    }
    return total;
  }

  #move(by: number): void {
    const base = this.#frames.at(-1)?.base ?? 0;
    this.#height = Math.max(base, this.#height + by);
  }

  /** What follows is never reached: nothing is known of the stack, and nothing of it is written. */
  #dead(): void {
    this.#move(-Infinity);
  }

  #open(isLoop: boolean): number {
    const c = this.#c;
    const byte = c.bytes[c.pos]!;
    let params = 0, results = 0;
    if (byte === 0x40) c.pos++;
    else if (byte > 0x40 && byte < 0x80) {
      c.blockType(c.pos);
      results = 1;
    } else {
      const type = c.u32();
      params = this.#params(type);
      results = c.module.typeResults[type]!;
    }
    this.#frames.push({ base: Math.max(0, this.#height - params), params, results, label: isLoop ? params : results });
    return params + results;
  }

  #end(): number {
    const { base, results } = this.#frames.pop()!;
    this.#height = base + results;
    return results;
  }

  /** What a branch to an open block takes. */
  #label(): number {
    return this.#frames[this.#frames.length - 1 - this.#c.u32()]?.label ?? 0;
  }

  #params(type: number): number {
    return Math.max(0, this.#c.module.typeParams[type] ?? 0);
  }

  #call(type: number, others: number): number {
    const params = this.#params(type);
    const results = this.#c.module.typeResults[type] ?? 0;
    this.#move(-others - params);
    this.#height += results;
    return params + results;
  }

  /** Something that is more than a step over it: answers how many values are compared with types, if it is a step. */
  #step(code: number, there: number): number {
    const c = this.#c;
    const { functionTypes, tagParams } = c.module;
    switch (code) {
      case 0x00: // unreachable
        this.#dead();
        return NOT_A_STEP;
      case 0x02: // block
      case 0x03: // loop
      case 0x06: // try
        return this.#open(code === 0x03);
      case 0x04: // if
        this.#move(-1);
        return this.#open(false);
      case 0x05: { // else
        const { base, params, results } = this.#frames.at(-1)!;
        this.#height = base + params;
        return params + results;
      }
      case 0x07: // catch
      case 0x19: { // catch_all
        const values = code === 0x07 ? tagParams[c.u32()]! : 0;
        const { base, results } = this.#frames.at(-1)!;
        this.#height = base + values;
        return values + results;
      }
      case 0x18: // delegate
        c.skip();
        return this.#end();
      case 0x0b: // end
        return this.#end();
      case 0x1f: { // try_table
        const at = c.pos;
        c.blockType(at);
        let compared = 0;
        for (let left = c.u32(); left > 0; left--) {
          if (c.bytes[c.pos++]! < 2) c.skip();
          // Each catch goes over all that is there, as a branch does.
          compared += this.#label() + there / TYPE_VALUES;
        }
        const after = c.pos;
        c.pos = at;
        compared += this.#open(false);
        c.pos = after;
        return compared;
      }
      case 0x08: // throw
      case 0x09: // rethrow
        c.skip();
        this.#dead();
        return 0;
      case 0x0a: // throw_ref
        this.#dead();
        return 0;
      case 0x0c: { // br
        const compared = this.#label();
        this.#dead();
        return compared;
      }
      case 0x0d: // br_if
      case 0xd6: // br_on_non_null
        this.#move(-1);
        return this.#label();
      case 0xd5: // br_on_null
        return this.#label();
      case 0x0e: { // br_table
        let compared = 0;
        for (let left = c.u32(); left >= 0; left--) compared += this.#label() + there / TYPE_VALUES;
        this.#dead();
        return compared;
      }
      case 0x0f: // return
        this.#dead();
        return this.#frames[0]!.results;
      case 0x10: // call
        return this.#call(functionTypes[c.u32()]!, 0);
      case 0x11: { // call_indirect
        const type = c.u32();
        c.skip();
        return this.#call(type, 1);
      }
      case 0x14: // call_ref
        return this.#call(c.u32(), 1);
      case 0x12: // return_call
      case 0x15: { // return_call_ref
        const index = c.u32();
        const compared = this.#call(code === 0x12 ? functionTypes[index]! : index, 0);
        this.#dead();
        return compared;
      }
      case 0x13: { // return_call_indirect
        const compared = this.#call(c.u32(), 1);
        c.skip();
        this.#dead();
        return compared;
      }
      case 0x1c: // select t
        for (let left = c.u32(); left > 0; left--) c.valueType();
        this.#move(-2);
        return NOT_A_STEP;
      case 0x23: // global.get
        c.skip();
        this.#move(1);
        return NOT_A_STEP;
      case 0x24: // global.set
        c.skip();
        this.#move(-1);
        return NOT_A_STEP;
      case 0x25: // table.get
        c.skip();
        return 0;
      case 0x26: // table.set
        c.skip();
        this.#move(-2);
        return 0;
      case 0x3f: // memory.size
        c.skip();
        this.#move(1);
        return NOT_A_STEP;
      case 0x40: // memory.grow
        c.skip();
        return 0;
      case 0x43: // f32.const
      case 0x44: // f64.const
        c.pos += code === 0x43 ? 4 : 8;
        this.#move(1);
        return NOT_A_STEP;
      case 0xd0: // ref.null
        c.heapType();
        this.#move(1);
        return NOT_A_STEP;
      case 0xd2: // ref.func
        c.skip();
        this.#move(1);
        return 0;
      case 0xfb:
        return this.#gc();
      case 0xfc:
        return this.#misc();
      case 0xfd: {
        const at = c.pos;
        this.#move(VECTOR_EFFECTS[c.u32()] ?? 0);
        c.pos = at;
        c.vector(at);
        return NOT_A_STEP;
      }
      default:
        return this.#atomic();
    }
  }

  #misc(): number {
    const c = this.#c;
    const sub = c.u32();
    this.#move(MISC_EFFECTS[sub] ?? 0);
    if (sub < 0x08) return NOT_A_STEP;
    c.skip();
    if (sub === 0x08 || sub === 0x0a || sub === 0x0c || sub === 0x0e) c.skip();
    return 0;
  }

  #gc(): number {
    const c = this.#c;
    const sub = c.u32();
    const kind = op.GC[sub];
    if (kind === op.HEAP) c.heapType();
    if (kind === op.NONE || kind === op.HEAP) return 0;
    if (sub === 0x18 || sub === 0x19) { // br_on_cast, br_on_cast_fail
      c.pos++;
      const compared = this.#label();
      c.heapType();
      c.heapType();
      return compared;
    }
    const type = c.u32();
    let operand = 0;
    if (kind === op.TYPE_LEB || sub === 0x08 || sub === 0x09 || sub === 0x0a || sub === 0x11 || sub >= 0x12) {
      operand = c.u32();
    }
    const fields = fieldsOf(c.module.typeParams[type] ?? 0);
    // struct.new takes its fields; array.new_fixed what its operand says.
    if (sub === 0x00) this.#move(1 - fields);
    else if (sub === 0x08) this.#move(1 - operand);
    else this.#move(GC_EFFECTS[sub] ?? 0);
    return sub === 0x00 ? fields : sub === 0x08 ? operand : 0;
  }

  #atomic(): number {
    const c = this.#c;
    const sub = c.u32();
    this.#move(sub === 0x03 || sub >= 0x10 && sub < 0x17 ? 0 : sub < 0x01 || sub >= 0x1e && sub < 0x48 ? -1 : -2);
    if (sub === 0x03) c.skip();
    else c.memarg();
    return 0;
  }
}

/** Behind the prefix 0xfb, where it is the same for all types. */
const GC_EFFECTS: Readonly<Record<number, number>> = {
  0x01: 1,
  0x05: -2,
  0x06: -1,
  0x09: -1,
  0x0a: -1,
  0x0b: -1,
  0x0c: -1,
  0x0d: -1,
  0x0e: -3,
  0x10: -4,
  0x11: -5,
  0x12: -4,
  0x13: -4,
};
