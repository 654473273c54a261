/**
 * Reads lines and bytes from a connection.
 *
 * @module
 */
import { latin1Text } from "../../streams/latin1.ts";
import type { Connection } from "./connection.ts";

/** A line or a section was longer than it may be. */
export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

/** The connection ended where more had to come. */
export class EndedError extends Error {
  override readonly name = "EndedError";
}

const LINE_FEED = 10;
const READ_BYTES = 64 * 1024;

/** Reads lines and bytes. One reader, one call at a time. */
export class WireReader {
  readonly #connection: Connection;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #started = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Whether anything has come. */
  get started(): boolean {
    return this.#started;
  }

  /** Whether all that has come was taken. */
  get isEmpty(): boolean {
    return this.#buffer.byteLength === 0;
  }

  /**
   * The next line, without its end, a byte string. RFC 9112, section 2.2 lets a bare line feed end it.
   *
   * @throws {TooLongError} when it has more than `max` bytes.
   * @throws {EndedError}
   */
  async line(max: number): Promise<string> {
    while (true) {
      const end = this.#buffer.indexOf(LINE_FEED);
      if ((end < 0 ? this.#buffer.byteLength : end) > max + 1) throw new TooLongError();
      if (end >= 0) {
        const line = latin1Text(this.#buffer.subarray(0, end));
        this.#buffer = this.#buffer.subarray(end + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      const more = await this.#read();
      if (more === null) throw new EndedError();
      const joined = new Uint8Array(this.#buffer.byteLength + more.byteLength);
      joined.set(this.#buffer);
      joined.set(more, this.#buffer.byteLength);
      this.#buffer = joined;
    }
  }

  /** From 1 to `max` bytes, or `null` at the end. */
  async bytes(max: number): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#buffer.byteLength === 0) {
      const more = await this.#read();
      if (more === null) return null;
      this.#buffer = more;
    }
    const taken = this.#buffer.subarray(0, max);
    this.#buffer = this.#buffer.subarray(taken.byteLength);
    return taken;
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const buffer = new Uint8Array(READ_BYTES);
    const read = await this.#connection.read(buffer);
    if (read === null) return null;
    this.#started = true;
    return buffer.subarray(0, read);
  }
}
