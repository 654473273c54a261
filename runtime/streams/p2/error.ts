/**
 * `wasi:io/error` 0.2, and the two ways in which a stream operation fails.
 *
 * @module
 */
import { SkerryError, WitError } from "../../errors.ts";

/** The resource `wasi:io/error.error`: what went wrong on a stream. Other interfaces look at its `cause`. */
export class IoError {
  readonly #cause: unknown;

  constructor(cause: unknown) {
    this.#cause = cause;
  }

  /** What the host knows; never shown to the guest as it is. */
  static causeOf(error: IoError): unknown {
    return error.#cause;
  }

  toDebugString(): string {
    const cause = this.#cause;
    // Only what we worded ourselves: the text of a runtime's error can name paths and addresses of the host.
    return cause instanceof SkerryError || cause instanceof WitError ? cause.message : "the stream failed";
  }

  [Symbol.dispose](): void {}
}

/** `wasi:io/streams.stream-error`. */
export type StreamError =
  | { readonly tag: "closed" }
  | { readonly tag: "last-operation-failed"; readonly val: IoError };

/** Thrown where the WIT says `stream-error.closed`. */
export function closedError(): WitError {
  return new WitError({ tag: "closed" } satisfies StreamError);
}

/** Thrown where the WIT says `stream-error.last-operation-failed`. */
export function failedError(cause: unknown): WitError {
  return new WitError(
    {
      tag: "last-operation-failed",
      val: new IoError(cause),
    } satisfies StreamError,
  );
}

/** What a host function throws when the WIT says that the guest traps. */
export function trap(call: string, wrong: string): SkerryError {
  return new SkerryError("guest-trapped", `${call}: ${wrong}`);
}
