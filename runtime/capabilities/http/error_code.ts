/**
 * `wasi:http/types.error-code`: the same cases in 0.2 and 0.3.
 *
 * @module
 */
import { WitError } from "../../errors.ts";

export interface DnsErrorPayload {
  readonly rcode?: string;
  readonly infoCode?: number;
}

export interface TlsAlertReceivedPayload {
  readonly alertId?: number;
  readonly alertMessage?: string;
}

export interface FieldSizePayload {
  readonly fieldName?: string;
  readonly fieldSize?: number;
}

/** A WIT `result` that stands inside another value. */
export type Result<T, E> = { readonly tag: "ok"; readonly val: T } | { readonly tag: "err"; readonly val: E };

/** The cases without a payload. */
export type PlainErrorTag =
  | "DNS-timeout"
  | "destination-not-found"
  | "destination-unavailable"
  | "destination-IP-prohibited"
  | "destination-IP-unroutable"
  | "connection-refused"
  | "connection-terminated"
  | "connection-timeout"
  | "connection-read-timeout"
  | "connection-write-timeout"
  | "connection-limit-reached"
  | "TLS-protocol-error"
  | "TLS-certificate-error"
  | "HTTP-request-denied"
  | "HTTP-request-length-required"
  | "HTTP-request-method-invalid"
  | "HTTP-request-URI-invalid"
  | "HTTP-request-URI-too-long"
  | "HTTP-response-incomplete"
  | "HTTP-response-timeout"
  | "HTTP-upgrade-failed"
  | "HTTP-protocol-error"
  | "loop-detected"
  | "configuration-error";

/** `wasi:http/types.error-code`, as jco maps it. */
export type ErrorCode =
  | { readonly tag: PlainErrorTag }
  | { readonly tag: "DNS-error"; readonly val: DnsErrorPayload }
  | { readonly tag: "TLS-alert-received"; readonly val: TlsAlertReceivedPayload }
  | { readonly tag: "HTTP-request-body-size" | "HTTP-response-body-size"; readonly val: bigint | undefined }
  | {
    readonly tag:
      | "HTTP-request-header-section-size"
      | "HTTP-request-trailer-section-size"
      | "HTTP-response-header-section-size"
      | "HTTP-response-trailer-section-size";
    readonly val: number | undefined;
  }
  | { readonly tag: "HTTP-request-header-size"; readonly val: FieldSizePayload | undefined }
  | {
    readonly tag: "HTTP-request-trailer-size" | "HTTP-response-header-size" | "HTTP-response-trailer-size";
    readonly val: FieldSizePayload;
  }
  | {
    readonly tag: "HTTP-response-transfer-coding" | "HTTP-response-content-coding" | "internal-error";
    readonly val: string | undefined;
  };

/**
 * An HTTP message that could not be sent or received, with the `error-code` that a guest gets. The `message` is for the
 * operator.
 *
 * @example
 * ```ts
 * import { HttpFailure } from "./error_code.ts";
 *
 * const failure = new HttpFailure("connection-refused", "connecting to 127.0.0.1:9: nobody listens");
 * console.assert(failure.payload.tag === "connection-refused");
 * ```
 */
export class HttpFailure extends WitError {
  override readonly name: string = "HttpFailure";
  declare readonly payload: ErrorCode;

  constructor(code: PlainErrorTag | ErrorCode, message?: string) {
    const payload = typeof code === "string" ? { tag: code } : code;
    super(payload, message ?? describeErrorCode(payload));
  }
}

/** The `error-code` for whatever broke a message: its own, or `otherwise`. */
export function errorCodeOf(error: unknown, otherwise: ErrorCode): ErrorCode {
  return error instanceof HttpFailure ? error.payload : otherwise;
}

/** An `error-code` in words, for the operator: its tag and what it carries. */
export function describeErrorCode(code: ErrorCode): string {
  const val = "val" in code ? code.val : undefined;
  if (val === undefined) return code.tag;
  const details = typeof val === "object"
    ? Object.entries(val).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} ${value}`).join(", ")
    : String(val);
  return details === "" ? code.tag : `${code.tag} (${details})`;
}
