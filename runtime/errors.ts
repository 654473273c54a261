/**
 * Every failure that Skerry can name: its code, who caused it, and what the caller is told.
 *
 * @module
 */

/** Who has to act so that a failure does not come back. */
export type Culprit = "guest" | "caller" | "operator" | "host";

/** What a code stands for: the culprit, the HTTP status, and the sentence that a caller may see. */
export interface ErrorKind {
  readonly culprit: Culprit;
  readonly status: number;
  readonly summary: string;
}

const kind = (culprit: Culprit, status: number, summary: string): ErrorKind =>
  Object.freeze({ culprit, status, summary });

/** All codes, in one place. A code is part of the public interface and is never renamed. */
export const ERROR_KINDS = Object.freeze({
  "route-not-found": kind("caller", 404, "No function serves this path."),
  "method-not-allowed": kind(
    "caller",
    405,
    "The function at this path does not take this method.",
  ),
  "request-malformed": kind("caller", 400, "The request is malformed."),
  "request-too-large": kind("caller", 413, "The request's body is too large."),
  "request-timeout": kind("caller", 408, "The request's body did not arrive in time."),
  "headers-too-large": kind("caller", 431, "The request's headers are too large."),
  "function-broken": kind("operator", 503, "The function could not be loaded."),
  "guest-no-response": kind(
    "guest",
    502,
    "The function ended without a response.",
  ),
  "guest-trapped": kind("guest", 500, "The function failed."),
  "guest-threw": kind("guest", 500, "The function failed."),
  "guest-exited": kind("guest", 502, "The function exited without a response."),
  "guest-error": kind("guest", 502, "The function answered with an error."),
  "guest-response-invalid": kind(
    "guest",
    502,
    "The function's response cannot be sent.",
  ),
  "guest-response-incomplete": kind(
    "guest",
    502,
    "The function broke its response off.",
  ),
  "response-too-large": kind("guest", 502, "The function's response is too large."),
  "deadline-exceeded": kind(
    "guest",
    504,
    "The function did not answer in time.",
  ),
  "cpu-limit": kind("guest", 504, "The function took too long."),
  "loop-detected": kind("operator", 508, "Functions call each other in a circle."),
  "function-busy": kind("operator", 429, "The function is busy. Try again later."),
  "overloaded": kind("operator", 503, "The server is busy. Try again later."),
  "caller-gone": kind(
    "caller",
    499,
    "The caller left before the answer was complete.",
  ),
  "server-stopping": kind("operator", 503, "The server is stopping."),
  "component-malformed": kind(
    "operator",
    500,
    "The file is not a valid WebAssembly component.",
  ),
  "component-unsupported": kind(
    "operator",
    500,
    "The component uses what Skerry does not run yet.",
  ),
  "component-over-limit": kind(
    "operator",
    500,
    "The component needs more than its limits allow.",
  ),
  "component-import-missing": kind(
    "operator",
    500,
    "The component imports what the host does not have.",
  ),
  "component-no-handler": kind(
    "operator",
    500,
    "The component does not export an HTTP handler.",
  ),
  "build-failed": kind("operator", 500, "The function could not be built."),
  "setting-invalid": kind("operator", 500, "A setting of the server is not valid."),
  "manifest-invalid": kind("operator", 500, "The manifest is not valid."),
  "route-conflict": kind("operator", 500, "Two functions claim one route."),
  "grant-invalid": kind("operator", 500, "The grant is not valid."),
  "runtime-unsupported": kind(
    "operator",
    500,
    "This JavaScript runtime lacks what Skerry needs.",
  ),
  "no-task": kind("host", 500, "Host code ran outside a task."),
  "internal": kind("host", 500, "Something went wrong in the server."),
});

/** A failure's name, for programs. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/**
 * A failure with a code.
 *
 * The `message` is for the operator: what was attempted, colon, what is wrong, what to do. The caller only ever sees
 * the code and its summary.
 *
 * @example
 * ```ts
 * import { SkerryError } from "./errors.ts";
 *
 * const error = new SkerryError("guest-trapped", "calling hello: unreachable executed");
 * console.assert(error.status === 500 && error.culprit === "guest");
 * ```
 */
export class SkerryError extends Error {
  override readonly name: string = "SkerryError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(shortened(message), options);
    this.code = code;
  }

  get culprit(): Culprit {
    return ERROR_KINDS[this.code].culprit;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  /** The sentence that a caller may see. */
  get summary(): string {
    return ERROR_KINDS[this.code].summary;
  }
}

/** What is told of a failure at most, in UTF-16 units: a guest may give it 32 MiB of reasons, and all of them would be logged. */
const MAX_TOLD_CHARS = 64 * 1024;

/** As much of `text` as is told of a failure. */
export function shortened(text: string): string {
  const more = text.length - MAX_TOLD_CHARS;
  // A copy, for V8 would keep the whole as long as a part of it.
  return more <= 0 ? text : `${structuredClone(text.slice(0, MAX_TOLD_CHARS))}… (${more} characters more)`;
}

/**
 * Thrown by `wasi:cli/exit`: unwinds the guest and ends its isolate, never the process.
 *
 * @example
 * ```ts
 * import { GuestExit } from "./errors.ts";
 *
 * const exit = new GuestExit(3);
 * console.assert(exit.status === 502 && exit.exitCode === 3);
 * ```
 */
export class GuestExit extends SkerryError {
  override readonly name: string = "GuestExit";
  /** What the guest exited with; 0 is success. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("guest-exited", `running the guest: it exited with code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * Any thrown value as a {@linkcode SkerryError}: itself if it is one, otherwise masked as `internal` with the original
 * as its cause.
 */
export function toSkerryError(
  thrown: unknown,
  attempted = "serving a request",
): SkerryError {
  if (thrown instanceof SkerryError) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new SkerryError("internal", `${attempted}: ${detail}`, {
    cause: thrown,
  });
}

/**
 * The error of a WIT `result`, thrown by a host function. The engine lowers `payload` as the `err` case; anything else
 * that a host function throws traps the guest.
 *
 * @example
 * ```ts
 * import { WitError } from "./errors.ts";
 *
 * const refuse = () => { throw new WitError("access-denied"); };
 * ```
 */
export class WitError extends Error {
  override readonly name: string = "WitError";
  readonly payload: unknown;

  constructor(payload?: unknown, message?: string) {
    super(
      message ?? `host function answered with an error: ${describe(payload)}`,
    );
    this.payload = payload;
  }
}

/**
 * What a host function threw that is not the error of a `result`: an error, or one that says that it was none.
 *
 * @example
 * ```ts
 * import { asError } from "./errors.ts";
 *
 * console.assert(asError("no-entry").message.startsWith('a host function threw "no-entry", which is no Error'));
 * ```
 */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const text = typeof thrown === "string" ? JSON.stringify(thrown) : String(thrown);
  return new TypeError(
    `a host function threw ${text}, which is no Error: throw a WitError for the err of a result`,
    { cause: thrown },
  );
}

function describe(payload: unknown): string {
  if (typeof payload === "string") return payload;
  if (typeof payload === "object" && payload !== null && "tag" in payload) {
    return String(payload.tag);
  }
  return payload === undefined ? "(no payload)" : typeof payload;
}
