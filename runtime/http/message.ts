/**
 * HTTP messages inside the host, the same for every WASI version: what a transport receives and sends, and what one
 * function hands to another.
 *
 * @module
 */
import type { ByteSource } from "../streams/bytes.ts";
import type { Fields } from "./fields.ts";

/** A body: bytes, and after them perhaps trailers. */
export interface Body {
  readonly source: ByteSource;
  /** Settles after the last byte: trailers, or none. Rejects, with what `source.error` is, when the body broke off. */
  readonly trailers: Promise<Fields | undefined>;
  /** The length in bytes where it is known beforehand, from `content-length`. */
  readonly length?: number;
}

/** `body`, read through `source`. Not a spread: a body may be of a class that makes its trailers when asked. */
export function withSource(body: Body, source: ByteSource): Body {
  const { trailers, length } = body;
  return length === undefined ? { source, trailers } : { source, trailers, length };
}

/** A request as it reaches a function, or leaves one. */
export interface HttpRequest {
  /** As sent: `GET`, `PURGE`. */
  readonly method: string;
  /** Lower case: `http`, `https`, or another. */
  readonly scheme: string;
  /** Host and perhaps port, as the caller sent it. */
  readonly authority: string;
  /** As the caller sent it, not normalised: `/a/../b?x=%20`. */
  readonly pathWithQuery: string;
  readonly fields: Fields;
  /** `null` when there is none. */
  readonly body: Body | null;
}

/** A response as it leaves a function, or reaches one. */
export interface HttpResponse {
  /** 100 to 999. */
  readonly status: number;
  readonly fields: Fields;
  /** `null` when there is none. */
  readonly body: Body | null;
}

/**
 * What one call of a function's handler has come to, whichever WASI version it speaks.
 */
export interface Exchange {
  /**
   * The response, if the guest has set it by now; otherwise a promise that resolves when it has, while it may still run,
   * and rejects with a `SkerryError` when it ended without one: `guest-no-response`, `guest-error`, `guest-trapped`,
   * `guest-exited`. Settles soon after the task has ended.
   */
  readonly response: HttpResponse | Promise<HttpResponse>;
  /**
   * `undefined` if the guest has returned by now; otherwise a promise that settles when it has ended: resolves when it
   * returned, rejects with a `SkerryError` when it trapped or exited, or when its task was ended.
   */
  readonly finished: Promise<void> | undefined;
}
