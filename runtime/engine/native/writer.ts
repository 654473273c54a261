/**
 * Writes WebAssembly binaries.
 *
 * @module
 */

/** Bytes that grow. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.bytes);
    this.#bytes = grown;
  }

  u8(...bytes: number[]): void {
    this.#room(bytes.length);
    for (const byte of bytes) this.#bytes[this.#length++] = byte;
  }

  u32(value: number): void {
    this.#room(5);
    this.#length = putU32(this.#bytes, this.#length, value);
  }

  s32(value: number): void {
    this.#room(5);
    this.#length = putS32(this.#bytes, this.#length, value);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** What has a length before it. */
  sized(content: Writer): void {
    this.u32(content.length);
    this.raw(content.bytes);
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

/** Writes an unsigned LEB128 of five bytes. */
export function putPadded(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let i = 0; i < 4; i++, rest >>>= 7) bytes[at + i] = rest & 0x7f | 0x80;
  bytes[at + 4] = rest;
}
