/**
 * Writes a request as HTTP/1.1 (RFC 9112).
 *
 * @module
 */
import { type Fields } from "../../http/fields.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import type { Body, HttpRequest } from "../../http/message.ts";
import { STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { waitAny } from "../../streams/waitable.ts";
import type { Connection } from "./connection.ts";

const utf8 = new TextEncoder();
const CRLF = utf8.encode("\r\n");

/** How the end of a body is marked: it has none, or a length, or comes in chunks. */
export type Framing = { readonly kind: "none" | "chunked" } | { readonly kind: "length"; readonly length: number };

/** Methods whose requests mean to have a body, so that a length of 0 is said: RFC 9110, section 8.6. */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** How `request` is framed. A body that has been written already is sent with its length. */
export function framingOf({ method, body }: HttpRequest): Framing {
  if (body === null) return WITH_BODY.has(method) ? { kind: "length", length: 0 } : { kind: "none" };
  const length = body.length ?? body.source.remaining;
  if (length === undefined) return { kind: "chunked" };
  return length === 0 && !WITH_BODY.has(method) ? { kind: "none" } : { kind: "length", length };
}

/** The request line and the fields, with `host`, the framing, and `extra` where the request has no such field. */
export function encodeHead(
  request: HttpRequest,
  options: {
    readonly host: string;
    readonly framing: Framing;
    readonly extra: Readonly<Record<string, string>>;
    /** Whether another request may follow over the connection. Default: no. */
    readonly keep?: boolean;
  },
): Uint8Array<ArrayBuffer> {
  const { host, framing, extra, keep = false } = options;
  const lines = keep ? [`host: ${host}`] : [`host: ${host}`, "connection: close"];
  if (framing.kind === "chunked") lines.push("transfer-encoding: chunked");
  if (framing.kind === "length") lines.push(`content-length: ${framing.length}`);
  for (const [name, value] of Object.entries(extra)) {
    if (!request.fields.has(name)) lines.push(`${name}: ${value}`);
  }
  return concat([
    // A path may have characters beyond ASCII, which are sent as they are; everything else is a byte string.
    utf8.encode(`${request.method} ${request.pathWithQuery} HTTP/1.1\r\n${lines.join("\r\n")}\r\n`),
    ...encodeFields(request.fields, (name) => name !== "content-length"),
    CRLF,
  ]);
}

/** Writes all of `body`, as its source gives it and as the connection takes it. */
export async function writeBody(connection: Connection, body: Body, options: {
  readonly framing: Framing;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}): Promise<void> {
  const { framing, signal, onProgress } = options;
  const { source } = body;
  const chunked = framing.kind === "chunked";
  while (true) {
    const chunk = source.take(STREAM_HIGH_WATER_BYTES);
    if (chunk.byteLength > 0) {
      const size = utf8.encode(`${chunk.byteLength.toString(16)}\r\n`);
      await writeAll(connection, chunked ? concat([size, chunk, CRLF]) : chunk);
      onProgress();
    } else if (source.state === "errored") {
      throw source.error;
    } else if (source.state === "closed") {
      break;
    } else {
      await waitAny([source], signal);
    }
  }
  if (!chunked) return;
  const trailers = await body.trailers;
  // RFC 9110, section 6.5.1: whoever joins trailers to headers would take it for the length.
  const fields = trailers === undefined ? [] : encodeFields(trailers, (name) => name !== "content-length");
  await writeAll(connection, concat([utf8.encode("0\r\n"), ...fields, CRLF]));
}

export async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += await connection.write(bytes.subarray(at));
}

function encodeFields(fields: Fields, keep: (name: string) => boolean): Uint8Array<ArrayBuffer>[] {
  return fields.textEntries().flatMap(([name, value]) =>
    keep(name.toLowerCase()) ? [latin1Bytes(`${name}: ${value}\r\n`)] : []
  );
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
