/**
 * Bytes on their way from a writer to a reader, in the pieces in which they came.
 *
 * @module
 */
import { asciiText, latin1Bytes } from "./latin1.ts";

/** Chunks larger than this are handed on as they are. */
const JOINED_BYTES = 16 * 1024;

/** What is kept as text at most: beyond that, making an array and sending it takes no longer. */
const MAX_TEXT_BYTES = 512;

/** What a chunk that is made for more than was asked for has at least. */
const SMALL_CHUNK_BYTES = 4 * 1024;

export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** A queue of chunks from which any number of bytes can be taken. */
export class ChunkQueue {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  /** All that there is, before the first chunk: what is written first is often short, and then sent as a whole. */
  #text = "";
  #head = 0;
  #size = 0;
  /** What is left of the last chunk's memory, where {@linkcode append} has made more of it than it needed. */
  #spare: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** How many bytes there were when a reader took all of them: what will be written next is likely to be as much. */
  #burst = 0;

  get size(): number {
    return this.#size;
  }

  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (chunk.byteLength === 0) return;
    this.#endText();
    this.#spare = NO_BYTES;
    this.#chunks.push(chunk);
    this.#size += chunk.byteLength;
  }

  /**
   * Adds a copy of `bytes`, to the last chunk where it has memory left. A chunk is made as large as what a reader has last
   * taken at once, up to `most`: one large chunk costs a reader less than many, and little memory lies idle.
   */
  append(bytes: Uint8Array, most: number): void {
    const { byteLength } = bytes;
    if (byteLength === 0 || this.#appendText(bytes)) return;
    this.#endText();
    this.#size += byteLength;
    const spare = this.#spare;
    if (spare.byteLength >= byteLength) {
      spare.set(bytes);
      this.#spare = spare.subarray(byteLength);
      const last = this.#chunks.length - 1;
      const { buffer, byteOffset, byteLength: before } = this.#chunks[last]!;
      this.#chunks[last] = new Uint8Array(buffer, byteOffset, before + byteLength);
      return;
    }
    // The first is made to measure: most streams are written at once.
    const wanted = this.#size === byteLength ? this.#burst : Math.max(this.#size, SMALL_CHUNK_BYTES);
    const length = Math.max(byteLength, Math.min(wanted, most));
    if (length === byteLength) {
      this.#chunks.push(bytes.slice());
      this.#spare = NO_BYTES;
      return;
    }
    const memory = new Uint8Array(length);
    memory.set(bytes);
    this.#chunks.push(memory.subarray(0, byteLength));
    this.#spare = memory.subarray(byteLength);
  }

  /** Adds `bytes` to the text, if they can be a part of it. */
  #appendText(bytes: Uint8Array): boolean {
    const size = this.#size + bytes.byteLength;
    // Once a reader has taken something, it is going to take the rest as bytes.
    if (this.#size !== this.#text.length || size > MAX_TEXT_BYTES || this.#burst !== 0) return false;
    const text = asciiText(bytes);
    if (text === undefined) return false;
    this.#text += text;
    this.#size = size;
    return true;
  }

  /** Makes a chunk of the text. */
  #endText(): void {
    if (this.#text === "") return;
    this.#chunks.push(latin1Bytes(this.#text));
    this.#text = "";
  }

  /** Takes all that there is, if it is text. */
  takeText(): string | undefined {
    if (this.#text === "") return undefined;
    const text = this.#text;
    this.#text = "";
    this.#burst = this.#size;
    this.#size = 0;
    return text;
  }

  /** Takes at most `max` bytes: a part of the first chunk, or small chunks joined. Large ones are not worth a copy. */
  take(max: number): Uint8Array<ArrayBuffer> {
    this.#endText();
    const first = this.#chunks[this.#head];
    if (first === undefined || max <= 0) return NO_BYTES;
    if (first.byteLength > max) {
      this.#chunks[this.#head] = first.subarray(max);
      this.#size -= max;
      return first.subarray(0, max);
    }
    let count = 1;
    let length = first.byteLength;
    for (let at = this.#head + 1; at < this.#chunks.length; at++) {
      const next = this.#chunks[at]!.byteLength;
      if (length + next > max || next > JOINED_BYTES || length > JOINED_BYTES) break;
      length += next;
      count++;
    }
    const taken = count === 1 ? first : join(this.#chunks, this.#head, count, length);
    this.#head += count;
    this.#size -= length;
    if (this.#head === this.#chunks.length) {
      this.#chunks = [];
      this.#head = 0;
      // Who has the chunk may do with its memory what he likes.
      this.#spare = NO_BYTES;
      this.#burst = length;
    } else if (this.#head > 64) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  clear(): void {
    this.#chunks = [];
    this.#text = "";
    this.#spare = NO_BYTES;
    this.#head = 0;
    this.#size = 0;
  }
}

function join(
  chunks: Uint8Array<ArrayBuffer>[],
  from: number,
  count: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(length);
  let at = 0;
  for (let i = from; i < from + count; i++) {
    joined.set(chunks[i]!, at);
    at += chunks[i]!.byteLength;
  }
  return joined;
}
