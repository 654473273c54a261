/**
 * Reads a WebAssembly binary byte by byte, inside bounds. Every failure names the component and the offset.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";

/** One name or string, as wasm-tools limits it: a hostile binary must not make the host hold endless names. */
export const MAX_STRING_BYTES = 100_000;

/** Items of all vectors of one core module: some take a byte of it, and a hundred bytes and more of the host's memory. */
export const MAX_ITEMS = 2_000_000;

/** The same of a component, where each takes a microsecond to read, and nobody else runs. The largest known have a tenth. */
export const MAX_COMPONENT_ITEMS = 500_000;

/** Longer names count for so many items more as they have this many bytes: their letters are looked at one by one. */
const BYTES_PER_ITEM = 64;

/** How many items vectors may have in all. */
export interface Items {
  readonly most: number;
  left: number;
}

/** A failure of decoding, with where it happened. */
export function malformed(
  name: string,
  what: string,
  offset: number,
): SkerryError {
  return new SkerryError(
    "component-malformed",
    `decoding ${name}: ${what} at offset 0x${offset.toString(16)}`,
  );
}

/** Longer strings are worth a call of the decoder; almost all names are shorter. */
const MAX_SHORT_BYTES = 128;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A cursor over a part of a binary. Offsets are those of the whole file. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** What is being decoded, for messages. */
  readonly name: string;
  pos: number;
  /** How many items vectors may still have, with those of all readers made of this one. */
  readonly #items: Items;

  constructor(
    bytes: Uint8Array,
    name: string,
    start = 0,
    end = bytes.length,
    items: Items = { most: Infinity, left: Infinity },
  ) {
    this.bytes = bytes;
    this.name = name;
    this.pos = start;
    this.end = end;
    this.#items = items;
  }

  get done(): boolean {
    return this.pos >= this.end;
  }

  /** Throws: what is wrong, at `offset` or here. */
  fail(what: string, offset: number = this.pos): never {
    throw malformed(this.name, what, offset);
  }

  /** Throws: what is valid, but not supported, at `offset`. */
  unsupported(what: string, offset: number): never {
    throw new SkerryError(
      "component-unsupported",
      `decoding ${this.name}: ${what}, at offset 0x${offset.toString(16)}`,
    );
  }

  u8(): number {
    if (this.pos >= this.end) this.fail("unexpected end");
    return this.bytes[this.pos++]!;
  }

  peek(): number {
    if (this.pos >= this.end) this.fail("unexpected end");
    return this.bytes[this.pos]!;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const at = this.pos;
    // Most numbers are small, and the sum below is one of floats.
    if (at < this.end && this.bytes[at]! < 0x80) return this.bytes[this.pos++]!;
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) {
        this.fail(
          byte & 0x80 ? "integer representation too long" : "integer too large for 32 bits",
          at,
        );
      }
      result += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return result;
    }
    return this.fail("integer representation too long", at);
  }

  /** An unsigned LEB128 of at most 64 bits. */
  u64(): bigint {
    const at = this.pos;
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      if (shift === 63n && byte > 1) this.fail("integer too large", at);
      result |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return result;
    }
    return this.fail("integer representation too long", at);
  }

  /** A signed LEB128 of at most 33 bits: a type index, or a type's code as a negative number. */
  s33(): number {
    const at = this.pos;
    if (at < this.end && this.bytes[at]! < 0x80) {
      this.pos++;
      return this.bytes[at]! << 25 >> 25;
    }
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      result += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (shift === 28 && (byte & 0x70) !== 0 && (byte & 0x70) !== 0x70) {
          this.fail("integer too large", at);
        }
        return byte & 0x40 ? result - 2 ** (shift + 7) : result;
      }
    }
    return this.fail("integer representation too long", at);
  }

  /** The length of a vector; each of its items takes a byte at least, so that a length cannot exceed what is left. */
  count(what: string, max = Infinity): number {
    const at = this.pos;
    const count = this.u32();
    if (count > this.end - this.pos) {
      this.fail(`${count} ${what} do not fit into the section`, at);
    }
    if (count > max) this.fail(`${count} ${what} are more than ${max}`, at);
    this.#counted(count, at);
    return count;
  }

  #counted(more: number, at: number): void {
    this.#items.left -= more;
    if (this.#items.left < 0) this.fail(`more than ${this.#items.most} items in all`, at);
  }

  /** A vector of items. */
  vec<T>(what: string, item: () => T, max?: number): T[] {
    const count = this.count(what, max);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  /** A UTF-8 string with its length before it. */
  string(what = "name"): string {
    const at = this.pos;
    const length = this.u32();
    if (length > MAX_STRING_BYTES) this.fail(`${what} is too long`, at);
    if (length >= BYTES_PER_ITEM) this.#counted(Math.floor(length / BYTES_PER_ITEM), at);
    const bytes = this.take(length, what);
    if (length <= MAX_SHORT_BYTES && isAscii(bytes)) {
      return String.fromCharCode.apply(null, bytes as unknown as number[]);
    }
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail(`malformed UTF-8 encoding in ${what}`, at);
    }
  }

  /** The next `length` bytes, as a view. */
  take(length: number, what: string): Uint8Array {
    if (length > this.end - this.pos) {
      this.fail(`unexpected end in ${what}: ${length} bytes needed`);
    }
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  /** A reader for the next `length` bytes; this one goes on behind them. */
  sub(length: number, what: string): Reader {
    const start = this.pos;
    this.take(length, what);
    return new Reader(this.bytes, this.name, start, start + length, this.#items);
  }

  /** Fails unless everything has been read. */
  finish(what: string): void {
    if (this.pos !== this.end) {
      this.fail(`${this.end - this.pos} bytes left over in ${what}`);
    }
  }

  /** A byte that must be 0 or 1. */
  flag(what: string): boolean {
    const at = this.pos;
    const byte = this.u8();
    if (byte > 1) {
      this.fail(`invalid leading byte 0x${hex(byte)} for ${what}`, at);
    }
    return byte === 1;
  }

  /** `<T>?` */
  optional<T>(what: string, item: () => T): T | undefined {
    return this.flag(what) ? item() : undefined;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return false;
  return true;
}

export function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
