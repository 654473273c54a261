/**
 * A place in the code section, and the immediates that are read there.
 *
 * @module
 */
import { hex, malformed, Reader } from "../../component/reader.ts";
import type { ModuleInfo } from "./_module.ts";
import * as op from "./_opcodes.ts";
import { skipHeapType, skipValueType, unsupported } from "./_types.ts";

export class Cursor {
  readonly module: ModuleInfo;
  readonly bytes: Uint8Array;
  pos = 0;
  /** Where the body ends. */
  end = 0;
  /** How many blocks are open. */
  depth = 0;

  /** Whether there was something of the exceptions that are values: `try_table`, `throw_ref`, a type of theirs. */
  exceptions = false;

  constructor(module: ModuleInfo) {
    this.module = module;
    this.bytes = module.bytes;
  }

  fail(what: string, at: number): never {
    throw malformed(this.module.name, what, at);
  }

  unknown(what: string, at: number): never {
    throw unsupported(this.module.name, what, at);
  }

  /** The value of an unsigned LEB128. */
  long(at: number): number {
    const b = this.bytes;
    let value = 0;
    for (let shift = 0, p = at; shift < 35; shift += 7, p++) {
      const byte = b[p] ?? this.fail("unexpected end", at);
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.fail("integer representation too long", at);
  }

  u32(): number {
    const at = this.pos;
    const byte = this.bytes[this.pos++]!;
    if (byte < 0x80) return byte;
    while (this.bytes[this.pos++]! & 0x80);
    return this.long(at);
  }

  skip(): void {
    while (this.bytes[this.pos++]! & 0x80);
  }

  memarg(): void {
    const align = this.bytes[this.pos]!;
    this.skip();
    if (align & 0x40) this.skip();
    this.skip();
  }

  below(limit: number, what: string, at: number): number {
    const value = this.u32();
    if (value >= limit) this.fail(`there is no ${what} ${value}`, at);
    return value;
  }

  type(at: number): number {
    return this.below(this.module.typeParams.length, "type", at);
  }

  functionType(at: number): number {
    const type = this.u32();
    if ((this.module.typeParams[type] ?? -1) < 0) this.fail(`type ${type} is not a function's`, at);
    return type;
  }

  label(at: number): number {
    return this.below(this.depth + 1, "label", at);
  }

  count(what: string, at: number): number {
    const count = this.u32();
    if (count > this.end - this.pos) this.fail(`${count} ${what} do not fit into their function`, at);
    return count;
  }

  /** Reads with what the other sections are read with. */
  read(read: (r: Reader) => void): void {
    const r = new Reader(this.bytes, this.module.name, this.pos, this.end);
    read(r);
    this.pos = r.pos;
  }

  valueType(): void {
    this.read((r) => this.#isException(skipValueType(r, this.module.typeParams.length)));
  }

  heapType(): void {
    this.read((r) => this.#isException(skipHeapType(r, this.module.typeParams.length)));
  }

  #isException(is: boolean): void {
    if (is) this.exceptions = true;
  }

  blockType(at: number): void {
    const byte = this.bytes[this.pos]!;
    if (byte === 0x40) this.pos++;
    else if (byte > 0x40 && byte < 0x80) this.valueType();
    else this.functionType(at);
  }

  /** What follows the prefix 0xfd. */
  vector(at: number): void {
    const sub = this.u32();
    switch (op.SIMD[sub]) {
      case op.NONE:
        return;
      case op.MEMARG:
        return this.memarg();
      case op.MEMARG_BYTE1:
        this.memarg();
        this.pos++;
        return;
      case op.BYTE1:
        this.pos++;
        return;
      case op.BYTE16:
        this.pos += 16;
        return;
      default:
        this.unknown(`the opcode 0xfd 0x${hex(sub)}`, at);
    }
  }
}
