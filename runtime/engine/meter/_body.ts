/**
 * Reads the instructions of one function after another.
 *
 * V8 validates a rewritten module, so this checks only what a rewrite could turn from wrong into right, an index of a
 * local, global, type, label or function just past the end, and what it must not misread.
 *
 * @module
 */
import { hex, malformed, Reader } from "../../component/reader.ts";
import * as ev from "./_events.ts";
import { type Limited, type ModuleInfo, skipHeapType, skipValueType, unsupported } from "./_module.ts";
import * as op from "./_opcodes.ts";

/** Costs of one-byte opcodes, in units of a simple instruction. */
const COST = new Uint8Array(256).fill(1);
for (const slow of [0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82]) COST[slow] = 8; // integer division
for (const slow of [0x91, 0x95, 0x9f, 0xa3]) COST[slow] = 4; // square roots and float division
for (const slow of [0x0e, 0x25, 0x26]) COST[slow] = 4; // br_table, table.get, table.set
const COST_ATOMIC = 16;
const COST_GC = 4;
const COST_ALLOCATION = 32;
/** A throw unwinds with the host's help. */
const COST_THROW = 4096;
/** Growing, besides what grows. */
const COST_GROW = 2048;
/** What the instructions between two events can cost at most, for a sum that stays exact: some ten milliseconds. */
const MAX_COST = 1 << 25;
/** Bulk operations of a constant length below this are counted with the instructions around them. */
const MAX_CONSTANT_BULK = 4096;

// What may stand open.
const FUNCTION_FRAME = 0;
const BLOCK_FRAME = 1;
const IF_FRAME = 2;
const ELSE_FRAME = 3;
const TRY_FRAME = 4;
const CATCH_FRAME = 5;
const CATCH_ALL_FRAME = 6;

export class BodyScan {
  readonly events: ev.Ints;
  readonly references: Set<number> = new Set();
  takesReferences = false;
  catches = false;
  allocates = false;
  readonly #module: ModuleInfo;
  readonly #bytes: Uint8Array;
  #frames = new Uint8Array(256);
  #depth = 0;
  #pos = 0;
  #end = 0;
  #cost = 0;
  /** Whether the last event ended its path. */
  #dead = false;

  constructor(module: ModuleInfo, size: number) {
    this.#module = module;
    this.#bytes = module.bytes;
    this.events = new ev.Ints(64 + (size * 3 >> 3));
  }

  /** Reads one body, whose instructions stand from `start` to `end`. */
  run(start: number, end: number, locals: number): void {
    const b = this.#bytes;
    const plain = op.PLAIN;
    const costs = COST;
    this.#frames[0] = FUNCTION_FRAME;
    this.#depth = 0;
    this.#cost = 0;
    this.#dead = false;
    this.#end = end;
    let cost = 0;
    let previous = start;
    let at = start;
    // The common instructions are read here, with all that matters in registers.
    for (let p = start; p < end;) {
      previous = at;
      at = p;
      const code = b[p++]!;
      cost += costs[code]!;
      switch (plain[code]) {
        case op.NONE:
          break;
        case op.LEB:
          while (b[p++]! & 0x80);
          break;
        case op.MEMARG: {
          const align = b[p]!;
          while (b[p++]! & 0x80);
          if (align & 0x40) { while (b[p++]! & 0x80); }
          while (b[p++]! & 0x80);
          break;
        }
        case op.LOCAL: {
          let index = b[p++]!;
          if (index >= 0x80) {
            index = this.#long(p - 1);
            while (b[p++]! & 0x80);
          }
          if (index >= locals) this.#fail(`there is no local ${index}`, at);
          break;
        }
        default:
          this.#cost += cost;
          cost = 0;
          this.#pos = p;
          this.#instruction(code, at, previous);
          p = this.#pos;
          if (this.#depth < 0) {
            if (p !== end) this.#fail("a body goes on behind its end", p);
            return;
          }
      }
    }
    this.#fail("a body without its end", end);
  }

  #fail(what: string, at: number): never {
    throw malformed(this.#module.name, what, at);
  }

  #unknown(what: string, at: number): never {
    throw unsupported(this.#module.name, what, at);
  }

  /** The value of an unsigned LEB128. */
  #long(at: number): number {
    const b = this.#bytes;
    let value = 0;
    for (let shift = 0, p = at; shift < 35; shift += 7, p++) {
      const byte = b[p] ?? this.#fail("unexpected end", at);
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.#fail("integer representation too long", at);
  }

  #u32(): number {
    const at = this.#pos;
    const byte = this.#bytes[this.#pos++]!;
    if (byte < 0x80) return byte;
    while (this.#bytes[this.#pos++]! & 0x80);
    return this.#long(at);
  }

  #skip(): void {
    while (this.#bytes[this.#pos++]! & 0x80);
  }

  #memarg(): void {
    const align = this.#bytes[this.#pos]!;
    this.#skip();
    if (align & 0x40) this.#skip();
    this.#skip();
  }

  #below(limit: number, what: string, at: number): number {
    const value = this.#u32();
    if (value >= limit) this.#fail(`there is no ${what} ${value}`, at);
    return value;
  }

  #type(at: number): void {
    this.#below(this.#module.typeParams.length, "type", at);
  }

  #functionType(at: number): void {
    const type = this.#u32();
    if ((this.#module.typeParams[type] ?? -1) < 0) this.#fail(`type ${type} is not a function's`, at);
  }

  #label(at: number): number {
    return this.#below(this.#depth + 1, "label", at);
  }

  #count(what: string, at: number): number {
    const count = this.#u32();
    if (count > this.#end - this.#pos) this.#fail(`${count} ${what} do not fit into their function`, at);
    return count;
  }

  /** Reads with what the other sections are read with. */
  #read(read: (r: Reader) => void): void {
    const r = new Reader(this.#bytes, this.#module.name, this.#pos, this.#end);
    read(r);
    this.#pos = r.pos;
  }

  #heapType(): void {
    this.#read((r) => skipHeapType(r, this.#module.typeParams.length));
  }

  #blockType(at: number): void {
    const byte = this.#bytes[this.#pos]!;
    if (byte === 0x40) this.#pos++;
    else if (byte > 0x40 && byte < 0x80) this.#read((r) => skipValueType(r, this.#module.typeParams.length));
    else this.#functionType(at);
  }

  #event(kind: number, arg: number, at: number): void {
    // A row of them would take twelve times the memory of the module.
    if (this.#dead && (kind === ev.STOP || kind === ev.RETURN)) return;
    this.#dead = kind === ev.STOP || kind === ev.RETURN;
    this.events.push3(kind | arg << ev.KIND_BITS, at, Math.min(this.#cost, MAX_COST));
    this.#cost = 0;
  }

  #open(frame: number): void {
    if (++this.#depth === this.#frames.length) {
      const wider = new Uint8Array(this.#depth * 2);
      wider.set(this.#frames);
      this.#frames = wider;
    }
    this.#frames[this.#depth] = frame;
  }

  #expect(what: string, at: number, frame: number, other = frame): void {
    const open = this.#frames[this.#depth];
    if (open !== frame && open !== other) this.#fail(`${what} in the wrong place`, at);
  }

  /** Control flow, calls, what costs by its operand, and all that is rare. */
  #instruction(code: number, at: number, previous: number): void {
    const module = this.#module;
    const functions = module.functionTypes.length;
    switch (code) {
      case 0x23: // global.get
      case 0x24: // global.set
        this.#below(module.globals, "global", at);
        return;
      case 0x00: // unreachable
        return this.#event(ev.STOP, 0, at);
      case 0x02: // block
        this.#blockType(at);
        this.#open(BLOCK_FRAME);
        return this.#event(ev.BLOCK, 0, at);
      case 0x03: // loop
        this.#blockType(at);
        this.#open(BLOCK_FRAME);
        return this.#event(ev.LOOP, this.#pos - at, at);
      case 0x04: // if
        this.#blockType(at);
        this.#open(IF_FRAME);
        return this.#event(ev.IF, 0, at);
      case 0x05: // else
        this.#expect("else", at, IF_FRAME);
        this.#frames[this.#depth] = ELSE_FRAME;
        return this.#event(ev.ELSE, 0, at);
      case 0x06: // try
        this.#blockType(at);
        this.#open(TRY_FRAME);
        this.catches = true;
        return this.#event(ev.TRY, 0, at);
      case 0x07: // catch
      case 0x19: // catch_all
        this.#expect("catch", at, TRY_FRAME, CATCH_FRAME);
        if (code === 0x07) this.#below(module.tags, "tag", at);
        this.#frames[this.#depth] = code === 0x07 ? CATCH_FRAME : CATCH_ALL_FRAME;
        return this.#event(ev.CATCH, 0, at);
      case 0x18: // delegate
        this.#expect("delegate", at, TRY_FRAME);
        this.#depth--;
        this.#label(at);
        return this.#event(ev.DELEGATE, 0, at);
      case 0x1f: // try_table
        return this.#tryTable(at);
      case 0x08: // throw
      case 0x09: // rethrow
      case 0x0a: // throw_ref
        if (code === 0x08) this.#below(module.tags, "tag", at);
        else if (code === 0x09) this.#label(at);
        this.#cost += COST_THROW;
        return this.#event(ev.STOP, 0, at);
      case 0x0b: // end
        this.#event(ev.END, 0, at);
        this.#depth--;
        return;
      case 0x0c: // br
        return this.#event(ev.BR, this.#label(at), at);
      case 0x0d: // br_if
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        return this.#event(ev.BR_IF, this.#label(at), at);
      case 0x0e: { // br_table
        const count = this.#count("labels", at);
        for (let i = 0; i <= count; i++) this.#label(at);
        return this.#event(ev.BR_TABLE, 0, at);
      }
      case 0x0f: // return
        return this.#event(ev.RETURN, 0, at);
      case 0x10: // call
        return this.#event(ev.CALL, this.#below(functions, "function", at), at);
      case 0x12: // return_call
        return this.#event(ev.RETURN_CALL, this.#below(functions, "function", at), at);
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        this.#functionType(at);
        this.#skip();
        return this.#event(code === 0x11 ? ev.CALL_INDIRECT : ev.RETURN_CALL_INDIRECT, 0, at);
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        this.#functionType(at);
        this.takesReferences = true;
        return this.#event(code === 0x14 ? ev.CALL_INDIRECT : ev.RETURN_CALL_INDIRECT, 0, at);
      case 0x26: // table.set
        this.takesReferences = true;
        return this.#skip();
      case 0x1c: { // select t
        const count = this.#count("types", at);
        for (let i = 0; i < count; i++) this.#read((r) => skipValueType(r, module.typeParams.length));
        return;
      }
      case 0x40: // memory.grow
        this.#cost += COST_GROW;
        return this.#event(ev.MEMORY_GROW, this.#below(module.memories.length, "memory", at), at);
      case 0x43: // f32.const
        this.#pos += 4;
        return;
      case 0x44: // f64.const
        this.#pos += 8;
        return;
      case 0xd0: // ref.null
        return this.#heapType();
      case 0xd2: // ref.func
        return this.#reference(this.#below(functions, "function", at), at);
      case 0xfb:
        return this.#gc(at, previous);
      case 0xfc:
        return this.#misc(at, previous);
      case 0xfd:
        return this.#simd(at);
      case 0xfe:
        return this.#atomic(at);
      default:
        this.#unknown(`the opcode 0x${hex(code)}`, at);
    }
  }

  #reference(index: number, at: number): void {
    this.references.add(index);
    this.#event(ev.REF_FUNC, index, at);
  }

  #tryTable(at: number): void {
    this.#blockType(at);
    const catches = this.#count("catches", at);
    const first = this.#pos - at;
    for (let i = 0; i < catches; i++) {
      const kind = this.#bytes[this.#pos++]!;
      if (kind > 3) this.#unknown(`the catch 0x${hex(kind)}`, this.#pos - 1);
      if (kind < 2) this.#below(this.#module.tags, "tag", at);
      this.#label(at);
    }
    this.#open(BLOCK_FRAME);
    if (catches > 0) this.catches = true;
    this.#event(ev.TRY_TABLE, catches === 0 ? 0 : first, at);
  }

  /** Work as long as the number on the stack says, which often is the constant just before. */
  #bulk(unit: number, is64: boolean, at: number, previous: number): void {
    if (this.#bytes[previous] === 0x41) {
      const r = new Reader(this.#bytes, this.#module.name, previous + 1, at);
      const length = r.s33();
      if (length >= 0 && length <= MAX_CONSTANT_BULK) {
        this.#cost += unit === ev.BULK_BYTES ? length >> 4 : unit === ev.BULK_ELEMENTS ? length * 8 : length;
        return;
      }
    }
    this.#event(ev.BULK, unit << 1 | (is64 ? 1 : 0), at);
  }

  #is64(list: readonly Limited[], index: number, at: number): boolean {
    return (list[index] ?? this.#fail(`there is no memory or table ${index}`, at)).is64;
  }

  #misc(at: number, previous: number): void {
    const { memories, tables } = this.#module;
    const sub = this.#u32();
    const kind = op.MISC[sub];
    if (kind === op.NONE) return;
    if (kind === op.LEB) return this.#skip();
    if (kind !== op.OWN) this.#unknown(`the opcode 0xfc 0x${hex(sub)}`, at);
    const first = this.#u32();
    switch (sub) {
      case 0x0b: // memory.fill
        return this.#bulk(ev.BULK_BYTES, this.#is64(memories, first, at), at, previous);
      case 0x0f: // table.grow
        this.#is64(tables, first, at);
        this.takesReferences = true;
        this.#cost += COST_GROW;
        return this.#event(ev.TABLE_GROW, first, at);
      case 0x11: // table.fill
        this.takesReferences = true;
        return this.#bulk(ev.BULK_ELEMENTS, this.#is64(tables, first, at), at, previous);
    }
    const second = this.#u32();
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
    const sub = this.#u32();
    this.#cost += COST_GC;
    switch (op.GC[sub]) {
      case op.NONE:
        return;
      case op.HEAP:
        return this.#heapType();
      case op.TYPE:
        if (sub <= 0x01) this.#allocation();
        return this.#type(at);
      case op.TYPE_LEB:
        this.#type(at);
        return this.#skip();
      case op.OWN:
        break;
      default:
        this.#unknown(`the opcode 0xfb 0x${hex(sub)}`, at);
    }
    if (sub === 0x18 || sub === 0x19) { // br_on_cast, br_on_cast_fail
      this.#pos++;
      const depth = this.#label(at);
      this.#heapType();
      this.#heapType();
      return this.#event(ev.BR_IF, depth, at);
    }
    this.#type(at);
    if (sub <= 0x0a) this.#allocation();
    if (sub === 0x08) { // array.new_fixed
      this.#cost += Math.min(this.#u32(), MAX_COST);
      return;
    }
    if (sub === 0x11) this.#type(at); // array.copy
    else if (sub === 0x09 || sub === 0x0a || sub >= 0x12) this.#skip(); // a segment
    this.#bulk(ev.BULK_ITEMS, false, at, previous);
  }

  #allocation(): void {
    this.allocates = true;
    this.#cost += COST_ALLOCATION;
  }

  #simd(at: number): void {
    const sub = this.#u32();
    switch (op.SIMD[sub]) {
      case op.NONE:
        return;
      case op.MEMARG:
        return this.#memarg();
      case op.MEMARG_BYTE1:
        this.#memarg();
        this.#pos++;
        return;
      case op.BYTE1:
        this.#pos++;
        return;
      case op.BYTE16:
        this.#pos += 16;
        return;
      default:
        this.#unknown(`the opcode 0xfd 0x${hex(sub)}`, at);
    }
  }

  #atomic(at: number): void {
    const sub = this.#u32();
    this.#cost += COST_ATOMIC;
    switch (op.ATOMIC[sub]) {
      case op.MEMARG:
        return this.#memarg();
      case op.LEB:
        return this.#skip();
      case op.OWN: // wait32, wait64
        this.#memarg();
        return this.#event(ev.ATOMIC_WAIT, 0, at);
      default:
        this.#unknown(`the opcode 0xfe 0x${hex(sub)}`, at);
    }
  }
}
