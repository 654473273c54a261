/**
 * Writes WebAssembly binaries.
 *
 * @module
 */

/** Bytes that grow. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** What has been written, as a view. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    wider.set(this.bytes);
    this.#bytes = wider;
  }

  u8(...bytes: readonly number[]): void {
    this.#reserve(bytes.length);
    for (const byte of bytes) this.#bytes[this.#length++] = byte;
  }

  u32(value: number): void {
    this.#reserve(5);
    this.#length = putU32(this.#bytes, this.#length, value);
  }

  /** A signed LEB128 of 32 bits. */
  s32(value: number): void {
    this.#reserve(5);
    this.#length = putS32(this.#bytes, this.#length, value);
  }

  u64(value: bigint): void {
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) this.u8(Number(rest & 0x7fn) | 0x80);
    this.u8(Number(rest));
  }

  /** A signed LEB128 of 64 bits. */
  s64(value: bigint): void {
    let rest = value;
    for (;;) {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      if (rest === 0n && !(byte & 0x40) || rest === -1n && byte & 0x40) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** A size and then what `write` writes. */
  sized(write: (w: Writer) => void): void {
    const inside = new Writer();
    write(inside);
    this.u32(inside.length);
    this.raw(inside.bytes);
  }

  section(id: number, write: (w: Writer) => void): void {
    this.u8(id);
    this.sized(write);
  }
}

/** Writes an unsigned LEB128 and returns where it ends. */
export function putU32(bytes: Uint8Array, at: number, value: number): number {
  let p = at;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes[p++] = rest & 0x7f | 0x80;
    rest >>>= 7;
  }
  bytes[p++] = rest;
  return p;
}

/** Writes a signed LEB128 of 32 bits and returns where it ends. */
export function putS32(bytes: Uint8Array, at: number, value: number): number {
  let p = at;
  let rest = value | 0;
  while (rest > 0x3f || rest < -0x40) {
    bytes[p++] = rest & 0x7f | 0x80;
    rest >>= 7;
  }
  bytes[p++] = rest & 0x7f;
  return p;
}

/** How many bytes an unsigned LEB128 takes. */
export function sizeU32(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Writes an unsigned LEB128 of just so many bytes. */
export function putPadded(bytes: Uint8Array, at: number, value: number, size: number): void {
  for (let i = 0, rest = value; i < size; i++, rest >>>= 7) bytes[at + i] = rest & 0x7f | (i < size - 1 ? 0x80 : 0);
}

/** A custom section. */
export function customSection(name: string, contents: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  w.section(0, (inside) => {
    inside.string(name);
    contents(inside);
  });
  return w.bytes;
}
