/**
 * The numbers of a core module's code.
 *
 * @module
 */

/** Reads unsigned LEB128 numbers that somebody else checks: behind the end there are zeros. */
export class Numbers {
  readonly #bytes: Uint8Array;
  pos: number;

  constructor(bytes: Uint8Array, pos: number) {
    this.#bytes = bytes;
    this.pos = pos;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.#bytes[this.pos++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** Steps over a value type or the type of a block: a number, or a reference and the number of what it refers to. */
  type(): void {
    const code = this.#bytes[this.pos];
    if (code === 0x63 || code === 0x64) this.pos++;
    this.u32();
  }
}
