/**
 * Reads a response of HTTP/1.1 (RFC 9112).
 *
 * @module
 */
import { Fields, FieldsError, isFieldName, isFieldValue } from "../../http/fields.ts";
import { MAX_FIELDS_BYTES, MAX_FIELDS_COUNT } from "../../limits.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";
import { EndedError, TooLongError, type WireReader } from "./wire_reader.ts";

/** A chunk's size line with its extensions, which mean nothing to us. */
const MAX_CHUNK_LINE_BYTES = 4096;

/** The status line and the fields, and how the body ends. */
export interface ResponseHead {
  readonly status: number;
  /** As they reach a guest: without the fields that belong to the connection. */
  readonly fields: Fields;
  readonly framing: ResponseFraming;
  /** Whether another request may follow over the connection, once the body has been received. */
  readonly keeps: boolean;
}

export type ResponseFraming =
  | { readonly kind: "none" | "chunked" | "close" }
  | { readonly kind: "length"; readonly length: number };

/** Reads the head of the final response to `method`; informational ones are passed over. */
export async function readHead(reader: WireReader, method: string): Promise<ResponseHead> {
  while (true) {
    const line = await within(reader.line(MAX_FIELDS_BYTES), "header");
    const match = /^HTTP\/1\.[01] ([1-9]\d\d)(?: .*)?$/.exec(line);
    if (match === null) throw protocolError("the server does not speak HTTP/1.1");
    const status = Number(match[1]);
    const entries = await readFields(reader, "header");
    if (status === 101) throw new HttpFailure("HTTP-upgrade-failed", "receiving a response: nobody asked to upgrade");
    if (status < 200) continue;
    const framing = framingOf(status, method, entries);
    const keeps = line.startsWith("HTTP/1.1") && framing.kind !== "close" && !saysClose(entries);
    return { status, fields: received(entries, "header", framing.kind === "chunked"), framing, keeps };
  }
}

type Entry = readonly [string, string];

async function readFields(reader: WireReader, section: "header" | "trailer"): Promise<Entry[]> {
  const entries: Entry[] = [];
  let size = 0;
  while (true) {
    const line = await within(reader.line(MAX_FIELDS_BYTES), section);
    if (line === "") return entries;
    size += line.length;
    if (size > MAX_FIELDS_BYTES || entries.length >= MAX_FIELDS_COUNT) throw sectionTooLong(section, size);
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    // A folded line begins with a space, which is no name either: nobody sends it in good faith.
    if (colon < 1 || !isFieldName(name) || !isFieldValue(value)) throw protocolError(`a malformed ${section} field`);
    entries.push([name, value]);
  }
}

function received(entries: readonly Entry[], section: "header" | "trailer", chunked: boolean): Fields {
  try {
    // RFC 9112, section 6.3: with both, the chunks count and content-length is not to be believed.
    return Fields.received(chunked ? entries.filter(([name]) => name.toLowerCase() !== "content-length") : entries);
  } catch (error) {
    if (error instanceof FieldsError) throw sectionTooLong(section, MAX_FIELDS_BYTES + 1);
    throw error;
  }
}

function receivedTrailers(entries: readonly Entry[]): Fields | undefined {
  return entries.length === 0 ? undefined : received(entries, "trailer", false);
}

/** RFC 9112, section 9.3. */
function saysClose(entries: readonly Entry[]): boolean {
  return entries.some(([name, value]) =>
    name.toLowerCase() === "connection" && /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)
  );
}

/** RFC 9112, section 6.3. */
function framingOf(status: number, method: string, entries: readonly Entry[]): ResponseFraming {
  const values = (wanted: string) =>
    entries.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  if (method === "HEAD" || status === 204 || status === 304) return { kind: "none" };
  const codings = values("transfer-encoding").join(",").toLowerCase();
  if (codings.trim() === "chunked") return { kind: "chunked" };
  if (codings !== "") {
    throw new HttpFailure(
      { tag: "HTTP-response-transfer-coding", val: codings },
      `receiving a response: its transfer-encoding is ${JSON.stringify(codings)}`,
    );
  }
  const lengths = values("content-length").join(",").split(",").map((text) => text.trim());
  const [length = ""] = lengths;
  if (lengths.every((text) => text === "")) return { kind: "close" };
  if (!/^\d{1,15}$/.test(length) || lengths.some((other) => other !== length)) {
    throw protocolError("its content-length is not one number");
  }
  return { kind: "length", length: Number(length) };
}

/** The parts of a response's body, then its trailers. */
export async function* readBody(
  reader: WireReader,
  framing: ResponseFraming,
  max: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, Fields | undefined> {
  switch (framing.kind) {
    case "none":
      return undefined;
    case "close": {
      for (let chunk; (chunk = await reader.bytes(max)) !== null;) yield chunk;
      return undefined;
    }
    case "length":
      yield* readExactly(reader, framing.length, max);
      return undefined;
    case "chunked":
      while (true) {
        const line = await within(reader.line(MAX_CHUNK_LINE_BYTES), "chunk");
        const match = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line);
        if (match === null) throw protocolError("a malformed chunk");
        const size = parseInt(match[1]!, 16);
        if (size === 0) break;
        yield* readExactly(reader, size, max);
        if (await within(reader.line(0), "chunk") !== "") throw protocolError("a malformed chunk");
      }
      return receivedTrailers(await readFields(reader, "trailer"));
  }
}

async function* readExactly(reader: WireReader, length: number, max: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let left = length; left > 0;) {
    const chunk = await reader.bytes(Math.min(left, max));
    if (chunk === null) throw incomplete();
    left -= chunk.byteLength;
    yield chunk;
  }
}

async function within(line: Promise<string>, section: "header" | "trailer" | "chunk"): Promise<string> {
  try {
    return await line;
  } catch (error) {
    if (error instanceof EndedError) {
      // Nothing of the head has been seen by anybody: the peer simply went.
      throw section === "header"
        ? new HttpFailure("connection-terminated", "receiving a response: the server closed the connection")
        : incomplete();
    }
    if (!(error instanceof TooLongError)) throw error;
    throw section === "chunk" ? protocolError("a malformed chunk") : sectionTooLong(section, MAX_FIELDS_BYTES + 1);
  }
}

function incomplete(): HttpFailure {
  return new HttpFailure("HTTP-response-incomplete", "receiving a response: it ended before its body was complete");
}

function protocolError(wrong: string): HttpFailure {
  return new HttpFailure("HTTP-protocol-error", `receiving a response: ${wrong}`);
}

function sectionTooLong(section: "header" | "trailer", size: number): HttpFailure {
  const code: ErrorCode = { tag: `HTTP-response-${section}-section-size`, val: size };
  return new HttpFailure(code, `receiving a response: its ${section}s have more than ${MAX_FIELDS_BYTES} bytes`);
}
