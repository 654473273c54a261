/**
 * Between a Web server and the host's own messages.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import { MAX_READ_BYTES } from "../limits.ts";
import type { ByteSource } from "../streams/bytes.ts";
import { sourceOf, streamOf } from "../streams/web.ts";
import { waitAny } from "../streams/waitable.ts";
import { Fields, headerEntries } from "./fields.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";

/** `scheme://authority` and the rest, as the caller sent it; `new URL` would normalise the path. */
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i;

const noTrailers: Promise<undefined> = Promise.resolve(undefined);

/**
 * A request of the server as the host's own. The body is read only when the guest reads it.
 *
 * @throws {SkerryError} `request-malformed` when it has no absolute URL or a malformed `content-length`.
 */
export function receiveRequest(request: Request): HttpRequest {
  const url = ABSOLUTE.exec(request.url);
  if (url === null) {
    throw new SkerryError(
      "request-malformed",
      `receiving a request: ${JSON.stringify(request.url)} is not an absolute URL`,
    );
  }
  const [, scheme, urlAuthority, path] = url;
  const fields = Fields.received(headerEntries(request.headers));
  const contentLength = request.headers.get("content-length");
  const length = contentLength === null ? undefined : Number(contentLength);
  if (length !== undefined && !/^\d{1,15}$/.test(contentLength!)) {
    throw new SkerryError(
      "request-malformed",
      `receiving a request: content-length is ${JSON.stringify(contentLength)}`,
    );
  }
  const stream = request.body;
  return {
    method: request.method,
    scheme: scheme!.toLowerCase(),
    // An empty Host says no more than none: what the server calls itself stands in the URL.
    authority: request.headers.get("host") || urlAuthority!,
    pathWithQuery: path!.startsWith("/") ? path! : `/${path!}`,
    fields,
    body: stream === null ? null : {
      source: sourceOf(stream),
      trailers: noTrailers,
      ...(length === undefined ? {} : { length }),
    },
  };
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
  const headers = response.fields.toHeaders();
  if (
    body === null || options.method === "HEAD" || NULL_BODY_STATUS.has(status)
  ) {
    // A guest that answers HEAD as it answers GET writes a body: it is taken and not sent, so that the guest can end.
    const written = NULL_BODY_STATUS.has(status) ? 0 : body?.source.remaining ?? 0;
    if (body !== null) drain(body.source, options);
    else options.onEnd("closed");
    if (status === 204) headers.delete("content-length");
    else if (written > 0 && options.method === "HEAD" && !headers.has("content-length")) {
      headers.set("content-length", String(written));
    }
    return new Response(null, { status, headers });
  }
  const { source } = body;
  const { remaining } = source;
  if (remaining !== undefined) {
    // The guest has already written all of it: no stream is needed, and most responses are like this.
    const whole = source.take(remaining);
    options.onEnd("closed");
    return new Response(whole, { status, headers });
  }
  return new Response(
    streamOf(source, { signal: options.signal(), onEnd: options.onEnd, toReader: brokenOff }),
    { status, headers },
  );
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
