/**
 * HTTP/1.1 responses off the wire, as little of it as a load generator needs to be sure of what it counts.
 *
 * @module
 */

/** Thrown when a server answers what is no HTTP/1.1 response. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

type State = "head" | "fixed" | "size" | "data" | "data-end" | "trailers" | "done";

const latin1 = new TextDecoder("latin1");

/**
 * One response, pushed in as it comes. Body bytes go out through `onBody`, which must not keep them.
 *
 * @example
 * ```ts
 * import { ResponseParser } from "./http_response.ts";
 *
 * let body = "";
 * const parser = new ResponseParser((bytes) => { body += new TextDecoder().decode(bytes); });
 * parser.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"));
 * console.assert(parser.done && parser.status === 200 && body === "hi");
 * ```
 */
export class ResponseParser {
  status = 0;
  #state: State = "head";
  #line = "";
  #left = 0;
  readonly #onBody: (bytes: Uint8Array) => void;

  constructor(onBody: (bytes: Uint8Array) => void) {
    this.#onBody = onBody;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** @throws {ProtocolError} when it is no response, or goes on after its end. */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "done":
          throw new ProtocolError(`reading a response: ${bytes.length - at} bytes after its end`);
        case "fixed":
        case "data": {
          const part = bytes.subarray(at, at + this.#left);
          this.#onBody(part);
          at += part.length;
          this.#left -= part.length;
          if (this.#left === 0) this.#state = this.#state === "fixed" ? "done" : "data-end";
          break;
        }
        default: {
          const end = bytes.indexOf(10, at);
          this.#line += latin1.decode(bytes.subarray(at, end < 0 ? bytes.length : end + 1));
          at = end < 0 ? bytes.length : end + 1;
          if (this.#line.length > 65_536) throw new ProtocolError("reading a response: a line has no end");
          if (end >= 0) this.#takeLine();
        }
      }
    }
  }

  #takeLine(): void {
    // The head is taken whole, the lines of a chunked body one by one.
    if (this.#state === "head") {
      if (!this.#line.endsWith("\r\n\r\n")) return;
      this.#takeHead(this.#line);
    } else if (this.#state === "size") {
      const size = /^([0-9a-f]+)\s*(;.*)?\r\n$/i.exec(this.#line);
      if (size === null) {
        throw new ProtocolError(`reading a response: ${JSON.stringify(this.#line)} is no chunk's size`);
      }
      this.#left = parseInt(size[1]!, 16);
      this.#state = this.#left === 0 ? "trailers" : "data";
    } else if (this.#state === "data-end") {
      if (this.#line !== "\r\n") throw new ProtocolError("reading a response: a chunk is longer than its size");
      this.#state = "size";
    } else if (this.#line === "\r\n") {
      this.#state = "done";
    }
    this.#line = "";
  }

  #takeHead(head: string): void {
    const status = /^HTTP\/1\.1 (\d{3})[ \r]/.exec(head);
    if (status === null) throw new ProtocolError(`reading a response: it begins ${JSON.stringify(head.slice(0, 60))}`);
    this.status = Number(status[1]);
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) this.#state = "size";
    else if (length !== null) {
      this.#left = Number(length[1]);
      this.#state = this.#left === 0 ? "done" : "fixed";
    } else throw new ProtocolError("reading a response: it has neither a length nor chunks");
  }
}

/** What every answer of a scenario has to be. */
export interface Expected {
  readonly status: number;
  readonly body: Uint8Array;
}

const HEAD_END = [13, 10, 13, 10];

/**
 * Checks one response after another of one connection against what is expected.
 *
 * After a first response of some length has been parsed, later ones of that length are compared at both ends only,
 * which the bytes of an answer with a fixed length determine: a load generator must cost less than what it loads.
 */
export class ResponseChecker {
  readonly #expected: Expected;
  readonly #prefix: Uint8Array;
  /** The length of a whole response that was parsed and right, and had a `content-length`. */
  #known = -1;
  #parser: ResponseParser | undefined;
  #received: Uint8Array[] = [];

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#prefix = new TextEncoder().encode(`HTTP/1.1 ${expected.status} `);
  }

  /**
   * Takes bytes; whether the response is complete with them.
   *
   * @throws {ProtocolError} when it is not the expected one.
   */
  push(bytes: Uint8Array): boolean {
    if (this.#parser === undefined && bytes.length === this.#known && this.#looksKnown(bytes)) return true;
    this.#parser ??= new ResponseParser((part) => this.#received.push(part.slice()));
    this.#parser.push(bytes);
    if (!this.#parser.done) return false;
    const { status } = this.#parser;
    const body = concat(this.#received);
    const { body: wanted } = this.#expected;
    if (status !== this.#expected.status || !equal(body, 0, wanted)) {
      throw new ProtocolError(
        `checking a response: ${status} ${JSON.stringify(latin1.decode(body.subarray(0, 300)))}, ` +
          `expected ${this.#expected.status} ${JSON.stringify(latin1.decode(wanted.subarray(0, 300)))}`,
      );
    }
    this.#known = this.#looksKnown(bytes) ? bytes.length : -1;
    this.#parser = undefined;
    this.#received = [];
    return true;
  }

  #looksKnown(bytes: Uint8Array): boolean {
    const { body } = this.#expected;
    const bodyAt = bytes.length - body.length;
    return bodyAt > this.#prefix.length && startsWith(bytes, 0, this.#prefix) && startsWith(bytes, bodyAt, body) &&
      startsWith(bytes, bodyAt - HEAD_END.length, HEAD_END);
  }
}

function equal(bytes: Uint8Array, at: number, wanted: ArrayLike<number>): boolean {
  return bytes.length - at === wanted.length && startsWith(bytes, at, wanted);
}

function startsWith(bytes: Uint8Array, at: number, wanted: ArrayLike<number>): boolean {
  for (let i = 0; i < wanted.length; i++) {
    if (bytes[at + i] !== wanted[i]) return false;
  }
  return true;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
