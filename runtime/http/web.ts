/**
 * Between a Web server and the host's own messages.
 *
 * @module
 */
import { maybeTask } from "../context.ts";
import { SkerryError } from "../errors.ts";
import { DEFAULT_LIMITS, type Limits, MAX_READ_BYTES } from "../limits.ts";
import type { ByteSource } from "../streams/bytes.ts";
import { sourceOf, streamOf } from "../streams/web.ts";
import { waitAny } from "../streams/waitable.ts";
import { Fields, FieldsError } from "./fields.ts";
import type { Body, HttpRequest, HttpResponse } from "./message.ts";
import { BodyPace } from "./pace.ts";

/** `scheme://authority` and the rest, as the caller sent it; `new URL` would normalise the path. */
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i;

const noTrailers: Promise<undefined> = Promise.resolve(undefined);

/**
 * A request of the server as the host's own. The body is read only when the guest reads it, and so is most of the rest:
 * asking for all of it would take longer than a small guest runs.
 *
 * @param limits those of the function, where they are lower than the default
 * @throws {SkerryError} `request-malformed` when it has no absolute URL or a malformed `content-length`;
 * `headers-too-large`. Later the task may end with `request-timeout`, when its caller does not send the body.
 */
export function receiveRequest(
  request: Request,
  limits: Pick<Limits, "headerCount" | "headerBytes"> = DEFAULT_LIMITS,
): HttpRequest {
  const { url, headers, body: stream } = request;
  if (!ABSOLUTE.test(url)) {
    throw new SkerryError(
      "request-malformed",
      `receiving a request: ${JSON.stringify(url)} is not an absolute URL`,
    );
  }
  const body = stream === null ? null : receiveBody(stream, headers);
  const received = new ReceivedRequest(request.method, url, headers, body);
  // Whether a function's own limits hold does not hang on its asking.
  if (limits.headerCount < DEFAULT_LIMITS.headerCount || limits.headerBytes < DEFAULT_LIMITS.headerBytes) {
    void received.fields;
  }
  return received;
}

function receiveBody(stream: ReadableStream<Uint8Array>, headers: Headers): Body {
  const contentLength = headers.get("content-length");
  const task = maybeTask();
  const pace = task === undefined ? undefined : new BodyPace(task);
  if (contentLength === null) return { source: sourceOf(stream, pace), trailers: noTrailers };
  if (!/^\d{1,15}$/.test(contentLength)) {
    throw new SkerryError(
      "request-malformed",
      `receiving a request: content-length is ${JSON.stringify(contentLength)}`,
    );
  }
  const length = Number(contentLength);
  return { source: sourceOf(stream, pace, length), trailers: noTrailers, length };
}

class ReceivedRequest implements HttpRequest {
  readonly method: string;
  readonly body: Body | null;
  readonly #url: string;
  readonly #headers: Headers;
  #parts: RegExpExecArray | undefined;
  #fields: Fields | undefined;

  constructor(method: string, url: string, headers: Headers, body: Body | null) {
    this.method = method;
    this.body = body;
    this.#url = url;
    this.#headers = headers;
  }

  get scheme(): string {
    return this.#part(1).toLowerCase();
  }

  get authority(): string {
    // An empty Host says no more than none: what the server calls itself stands in the URL.
    return this.#headers.get("host") || this.#part(2);
  }

  get pathWithQuery(): string {
    const path = this.#part(3);
    return path.startsWith("/") ? path : `/${path}`;
  }

  /** @throws {SkerryError} `headers-too-large`, which ends the guest that asks. */
  get fields(): Fields {
    return this.#fields ??= receiveFields(this.#headers);
  }

  #part(index: number): string {
    return (this.#parts ??= ABSOLUTE.exec(this.#url)!)[index]!;
  }
}

function receiveFields(headers: Headers): Fields {
  try {
    return Fields.received(headers);
  } catch (error) {
    if (!(error instanceof FieldsError)) throw error;
    throw new SkerryError(
      "headers-too-large",
      "receiving a request: too many headers, or too long (limits.headerCount, limits.headerBytes)",
    );
  }
}

/** Statuses whose responses have no body: RFC 9110, section 6.4.1. */
const NULL_BODY_STATUS: ReadonlySet<number> = new Set([
  101,
  103,
  204,
  205,
  304,
]);

/** How {@linkcode sendResponse} is to send. */
export interface SendOptions {
  /** The request's method: a response to `HEAD` has no body. */
  readonly method: string;
  /** The `x-request-id` that the response has unless the guest has given it another. */
  readonly requestId?: string;
  /** Breaks a body off that has not ended, with the signal's reason. Only asked for when there is something to break. */
  readonly signal: () => AbortSignal;
  readonly onEnd: (
    how: "closed" | "errored" | "cancelled",
    reason?: unknown,
  ) => void;
}

/**
 * The host's response as the server sends it. `onEnd` runs once: when the last byte has been taken, when the body broke
 * off, or when the caller left.
 *
 * @throws {SkerryError} `guest-response-invalid` when HTTP or the Web API cannot carry it.
 */
export function sendResponse(
  response: HttpResponse,
  options: SendOptions,
): Response {
  const { status, body } = response;
  if (status < 200 || status > 599) {
    throw new SkerryError(
      "guest-response-invalid",
      `sending the response: status ${status} cannot be sent. Use one from 200 to 599.`,
    );
  }
  const { requestId } = options;
  const source = body?.source;
  const remaining = source?.remaining;
  if (source === undefined || options.method === "HEAD" || NULL_BODY_STATUS.has(status)) {
    const headers = response.fields.toHeaders();
    if (requestId !== undefined && !response.fields.has("x-request-id")) headers.set("x-request-id", requestId);
    // A guest that answers HEAD as it answers GET writes a body: it is taken and not sent, so that the guest can end.
    const written = NULL_BODY_STATUS.has(status) ? 0 : remaining ?? 0;
    if (source !== undefined) drain(source, options);
    else options.onEnd("closed");
    if (status === 204) headers.delete("content-length");
    else if (written > 0 && options.method === "HEAD" && !headers.has("content-length")) {
      headers.set("content-length", String(written));
    }
    return new Response(null, { status, headers });
  }
  let sent: Response;
  if (remaining !== undefined) {
    // The guest has already written all of it: no stream is needed, and most responses are like this.
    const text = source.takeText?.();
    sent = new Response(text ?? takeAll(source, remaining), { status });
    // A text brings its own along. The guest's is not set in its place: Deno 2.9 would write its name as `Content-Type`.
    if (text !== undefined) sent.headers.delete("content-type");
    options.onEnd("closed");
  } else {
    const { length } = body!;
    const stream = streamOf(source, { signal: options.signal(), onEnd: options.onEnd, toReader: brokenOff, length });
    sent = new Response(stream, { status });
  }
  // Not in the init: from there they take three times as long.
  response.fields.addTo(sent.headers);
  if (requestId !== undefined && !response.fields.has("x-request-id")) sent.headers.append("x-request-id", requestId);
  return sent;
}

/** All of the `count` bytes that are left: a source may give them in several pieces. */
function takeAll(source: ByteSource, count: number): Uint8Array<ArrayBuffer> {
  const first = source.take(count);
  if (first.byteLength === count) return first;
  const all = new Uint8Array(count);
  let at = 0;
  for (let piece = first; piece.byteLength > 0; piece = source.take(count - at)) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all.subarray(0, at);
}

/**
 * What the server gets for the reason why a body ends: it prints that as it is, and the log has the whole story already,
 * with a guest's words in it made harmless.
 */
function brokenOff(): Error {
  const error = new Error("a response was broken off; the log of its request says why");
  error.stack = error.message;
  return error;
}

/** Takes and forgets what the guest writes, until it ends. */
function drain(source: ByteSource, options: SendOptions): void {
  while (source.take(MAX_READ_BYTES).byteLength > 0);
  const signal = options.signal();
  if (signal.aborted) {
    return options.onEnd("errored", signal.reason);
  }
  if (source.state !== "open") return options.onEnd(source.state, source.error);
  waitAny([source], signal).then(() => drain(source, options));
}
