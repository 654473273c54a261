/**
 * Reads the instructions that are rare, or more than a step: `_body.ts` reads all others.
 *
 * @module
 */
import { hex, Reader } from "../../component/reader.ts";
import { Cursor } from "./_cursor.ts";
import {
  BULK_BYTES_SHIFT,
  BULK_ELEMENTS_SHIFT,
  COST_ALLOCATION,
  COST_ATOMIC,
  COST_BULK,
  COST_GC,
  COST_GROW,
  COST_THROW,
  COST_THROWN_VALUE,
  MAX_BRANCH_TABLE,
  MAX_CONSTANT_BULK,
  MAX_COST,
  MAX_PENDING,
  MAX_SMALL_EXCEPTION,
} from "./_costs.ts";
import * as ev from "./_events.ts";
import type { Limited, ModuleInfo } from "./_module.ts";
import * as op from "./_opcodes.ts";
import { fieldsOf } from "./_types.ts";

// What may stand open.
export const FUNCTION_FRAME = 0, BLOCK_FRAME = 1, IF_FRAME = 2, ELSE_FRAME = 3;
const TRY_FRAME = 4, CATCH_FRAME = 5, CATCH_ALL_FRAME = 6;

/** What the scan of all bodies has found so far, and the body that is being read. */
export class SeldomScan {
  readonly events: ev.Ints;
  /** The functions of the module that direct calls name, in their order. */
  readonly calls: ev.Ints;
  /** The events of loops. */
  readonly loops: ev.Ints = new ev.Ints(256);
  /** Where branches stand that may ask whether a local is zero. */
  readonly conditions: ev.Ints = new ev.Ints(256);
  readonly references: Set<number> = new Set();
  /** Fields of structures that are made of nothing, and what calls take and give beyond what is common, all together. */
  writtenOut = 0;
  /** What else leaves the code of a function, or goes over all that is there: labels of tables, calls of the runtime. */
  moreSteps = 0;
  /** Work of a length. */
  bulks = 0;
  takesReferences = false;
  catches = false;
  /** Whether some function has a `try`, of the exceptions that were no values yet. */
  tries = false;
  allocates = false;
  /** Which of the opcodes have been read that `_scan.ts` asks for, and which ones behind the prefix 0xfc. */
  readonly seen: Uint8Array = new Uint8Array(256);
  readonly seenMisc: Uint8Array = new Uint8Array(32);
  readonly cursor: Cursor;
  /** What stands open, by depth. */
  frames: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Since the last event. */
  cost = 0;
  /** Whether the last event ended its path. */
  dead = false;

  constructor(module: ModuleInfo, size: number) {
    this.cursor = new Cursor(module);
    this.events = new ev.Ints(64 + (size * 3 >> 3));
    this.calls = new ev.Ints(64 + (size >> 6));
  }

  #event(kind: number, arg: number, at: number): void {
    // A row of them would take twelve times the memory of the module.
    const stops = kind === ev.RETURN || kind === ev.STOP && this.cursor.bytes[at] === 0x00;
    if (this.dead && stops) return;
    this.dead = stops;
    this.events.push3(kind | arg << ev.KIND_BITS, at, Math.min(this.cost, MAX_COST));
    this.cost = 0;
  }

  #open(frame: number): void {
    const c = this.cursor;
    if (++c.depth === this.frames.length) this.widen();
    this.frames[c.depth] = frame;
  }

  widen(): Uint8Array<ArrayBuffer> {
    const wider = new Uint8Array(this.frames.length * 2);
    wider.set(this.frames);
    return this.frames = wider;
  }

  #expect(what: string, at: number, frame: number, other = frame): void {
    const c = this.cursor;
    const open = this.frames[c.depth];
    if (open !== frame && open !== other) c.fail(`${what} in the wrong place`, at);
  }

  /** Control flow, calls, what costs by its operand, and all that is rare. The cursor is behind the opcode. */
  instruction(code: number, at: number, previous: number): void {
    const c = this.cursor;
    const { module, module: { functionTypes: { length: functions } } } = c;
    // A row of dear instructions would be paid for at its end, after seconds: a megabyte of them fills gigabytes.
    if (code >= 0xfb && code !== 0xfd || code === 0x26) this.moreSteps++;
    if (this.cost >= MAX_PENDING && (code >= 0xfb || code === 0x26)) this.#event(ev.STEP, 0, at);
    switch (code) {
      case 0x00: // unreachable
        return this.#event(ev.STOP, 0, at);
      case 0x05: // else
        this.#expect("else", at, IF_FRAME);
        this.frames[c.depth] = ELSE_FRAME;
        return this.#event(ev.ELSE, 0, at);
      case 0x06: // try
        c.blockType(at);
        this.#open(TRY_FRAME);
        this.catches = this.tries = true;
        return this.#event(ev.TRY, 0, at);
      case 0x07: // catch
      case 0x19: // catch_all
        this.#expect("catch", at, TRY_FRAME, CATCH_FRAME);
        if (code === 0x07) c.below(module.tags, "tag", at);
        this.frames[c.depth] = code === 0x07 ? CATCH_FRAME : CATCH_ALL_FRAME;
        return this.#event(ev.CATCH, 0, at);
      case 0x18: // delegate
        this.#expect("delegate", at, TRY_FRAME);
        c.depth--;
        c.label(at);
        return this.#event(ev.DELEGATE, 0, at);
      case 0x1f: // try_table
        return this.#tryTable(at);
      case 0x08: // throw
      case 0x09: // rethrow
      case 0x0a: // throw_ref
        if (code === 0x08) this.#exception(module.tagParams[c.below(module.tags, "tag", at)]!);
        else if (code === 0x09) c.label(at);
        else c.exceptions = true;
        this.cost += COST_THROW;
        return this.#event(ev.STOP, 0, at);
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        return this.#event(ev.BR_IF, c.label(at), at);
      case 0x0e: { // br_table
        const count = c.count("labels", at);
        for (let i = 0; i <= count; i++) c.label(at);
        if (count < MAX_BRANCH_TABLE && op.MAY_BE_LOCAL[c.bytes[previous]!] === 1) this.conditions.push(at);
        this.moreSteps += count;
        return this.#event(ev.BR_TABLE, 0, at);
      }
      case 0x0f: // return
        return this.#event(ev.RETURN, 0, at);
      case 0x12: { // return_call
        const callee = c.below(functions, "function", at);
        if (callee >= module.importedFunctions) this.calls.push(callee - module.importedFunctions);
        this.#values(module.functionTypes[callee]!);
        return this.#event(ev.RETURN_CALL, callee, at);
      }
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        this.#values(c.functionType(at));
        c.skip();
        return this.#event(code === 0x11 ? ev.CALL_INDIRECT : ev.RETURN_CALL_INDIRECT, 0, at);
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        this.#values(c.functionType(at));
        this.takesReferences = true;
        return this.#event(code === 0x14 ? ev.CALL_INDIRECT : ev.RETURN_CALL_INDIRECT, 0, at);
      case 0x26: // table.set
        this.takesReferences = true;
        // falls through
      case 0x3f: // memory.size
        this.seen[code] = 1;
        return c.skip();
      case 0x1c: { // select t
        const count = c.count("types", at);
        for (let i = 0; i < count; i++) c.valueType();
        return;
      }
      case 0x40: // memory.grow
        this.cost += COST_GROW;
        this.seen[code] = 1;
        return this.#event(ev.MEMORY_GROW, c.below(module.memories.length, "memory", at), at);
      case 0xd0: // ref.null
        return c.heapType();
      case 0xd2: // ref.func
        return this.#reference(c.below(functions, "function", at), at);
      case 0xfb:
        return this.#gc(at, previous);
      case 0xfc:
        return this.#misc(at, previous);
      case 0xfd:
        return c.vector(at);
      case 0xfe:
        return this.#atomic(at);
      default:
        c.unknown(`the opcode 0x${hex(code)}`, at);
    }
  }

  /** Pays for what a call of this type copies. */
  #values(type: number): void {
    const values = this.cursor.module.typeCost?.[type] ?? 0;
    this.cost += values;
    this.writtenOut += values;
  }

  #reference(index: number, at: number): void {
    this.references.add(index);
    this.#event(ev.REF_FUNC, index, at);
  }

  #tryTable(at: number): void {
    const c = this.cursor;
    c.blockType(at);
    c.exceptions = true;
    const catches = c.count("catches", at);
    const first = c.pos - at;
    for (let i = 0; i < catches; i++) {
      const kind = c.bytes[c.pos++]!;
      if (kind > 3) c.unknown(`the catch 0x${hex(kind)}`, c.pos - 1);
      if (kind < 2) c.below(c.module.tags, "tag", at);
      c.label(at);
    }
    this.moreSteps += catches;
    this.#open(BLOCK_FRAME);
    if (catches > 0) this.catches = true;
    this.#event(ev.TRY_TABLE, catches === 0 ? 0 : first, at);
  }

  /** Work as long as the number on the stack says, which often is the constant just before. */
  #bulk(unit: number, is64: boolean, at: number, previous: number): void {
    const c = this.cursor;
    this.cost += COST_BULK;
    if (c.bytes[previous] === 0x41) {
      const r = new Reader(c.bytes, c.module.name, previous + 1, at);
      const length = r.s33();
      if (length >= 0 && length <= MAX_CONSTANT_BULK) {
        if (unit === ev.BULK_BYTES) this.cost += length >> BULK_BYTES_SHIFT;
        else this.cost += unit === ev.BULK_ELEMENTS ? length << BULK_ELEMENTS_SHIFT : length;
        return;
      }
    }
    this.bulks++;
    this.#event(ev.BULK, unit << 1 | (is64 ? 1 : 0), at);
  }

  #is64(list: readonly Limited[], index: number, at: number): boolean {
    const c = this.cursor;
    return (list[index] ?? c.fail(`there is no memory or table ${index}`, at)).is64;
  }

  #misc(at: number, previous: number): void {
    const c = this.cursor;
    const { memories, tables } = c.module;
    const sub = c.u32();
    const kind = op.MISC[sub];
    this.seenMisc[sub] = 1;
    if (kind === op.NONE) return;
    if (kind === op.LEB) return c.skip();
    if (kind !== op.OWN) c.unknown(`the opcode 0xfc 0x${hex(sub)}`, at);
    const first = c.u32();
    switch (sub) {
      case 0x0b: // memory.fill
        return this.#bulk(ev.BULK_BYTES, this.#is64(memories, first, at), at, previous);
      case 0x0f: // table.grow
        this.#is64(tables, first, at);
        this.takesReferences = true;
        this.cost += COST_GROW;
        return this.#event(ev.TABLE_GROW, first, at);
      case 0x11: // table.fill
        this.takesReferences = true;
        return this.#bulk(ev.BULK_ELEMENTS, this.#is64(tables, first, at), at, previous);
    }
    const second = c.u32();
    switch (sub) {
      case 0x08: // memory.init
        return this.#bulk(ev.BULK_BYTES, false, at, previous);
      case 0x0c: // table.init
        return this.#bulk(ev.BULK_ELEMENTS, false, at, previous);
      case 0x0a: // memory.copy
        return this.#bulk(
          ev.BULK_BYTES,
          this.#is64(memories, first, at) && this.#is64(memories, second, at),
          at,
          previous,
        );
      default: // table.copy
        return this.#bulk(
          ev.BULK_ELEMENTS,
          this.#is64(tables, first, at) && this.#is64(tables, second, at),
          at,
          previous,
        );
    }
  }

  #gc(at: number, previous: number): void {
    const c = this.cursor;
    const sub = c.u32();
    this.seen[0xfb] = 1;
    this.cost += COST_GC;
    switch (op.GC[sub]) {
      case op.NONE:
        return;
      case op.HEAP:
        return c.heapType();
      case op.TYPE:
        if (sub <= 0x01) this.#structure(c.type(at), sub === 0x01);
        else c.type(at);
        return;
      case op.TYPE_LEB:
        c.type(at);
        return c.skip();
      case op.OWN:
        break;
      default:
        c.unknown(`the opcode 0xfb 0x${hex(sub)}`, at);
    }
    if (sub === 0x18 || sub === 0x19) { // br_on_cast, br_on_cast_fail
      c.pos++;
      const depth = c.label(at);
      c.heapType();
      c.heapType();
      return this.#event(ev.BR_IF, depth, at);
    }
    const type = c.type(at);
    if (sub <= 0x0a) this.#allocation();
    if (sub === 0x08) { // array.new_fixed
      this.cost += Math.min(c.u32(), MAX_COST);
      return;
    }
    if (sub === 0x11) c.type(at); // array.copy
    else if (sub === 0x09 || sub === 0x0a || sub >= 0x12) c.skip(); // a segment
    this.#bulk(c.module.typeResults[type] === 1 ? ev.BULK_BYTES : ev.BULK_ITEMS, false, at, previous);
  }

  /** Pays for its fields: so a look comes after so many bytes, whatever they are the fields of. */
  #structure(type: number, isDefault: boolean): void {
    this.#allocation();
    const fields = fieldsOf(this.cursor.module.typeParams[type]!);
    this.cost += Math.min(fields, MAX_COST);
    if (isDefault) this.writtenOut += fields;
  }

  #exception(values: number): void {
    this.cost += values * COST_THROWN_VALUE;
    if (values > MAX_SMALL_EXCEPTION) this.allocates = true;
  }

  #allocation(): void {
    this.allocates = true;
    this.cost += COST_ALLOCATION;
  }

  #atomic(at: number): void {
    const c = this.cursor;
    const sub = c.u32();
    this.seen[0xfe] = 1;
    this.cost += COST_ATOMIC;
    switch (op.ATOMIC[sub]) {
      case op.MEMARG:
        return c.memarg();
      case op.LEB:
        return c.skip();
      case op.OWN: // wait32, wait64
        c.memarg();
        this.cost += COST_BULK;
        return this.#event(ev.ATOMIC_WAIT, 0, at);
      default:
        c.unknown(`the opcode 0xfe 0x${hex(sub)}`, at);
    }
  }
}
