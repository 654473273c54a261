/**
 * W3C Trace Context: `traceparent` in and out.
 *
 * @module
 */

/** A parsed `traceparent` (W3C Trace Context, section 3.2). */
export interface TraceParent {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** The span of this task: 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  /** The caller's span, if there was one. */
  readonly parentId?: string;
  /** Two hex digits; `01` means sampled. */
  readonly flags: string;
}

const PATTERN = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/**
 * The trace of a new task: a child of the caller's `traceparent` if that is well formed, otherwise a new trace.
 *
 * @example
 * ```ts
 * import { formatTraceParent, startTrace } from "./trace.ts";
 *
 * const trace = startTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
 * console.assert(trace.traceId === "0af7651916cd43dd8448eb211c80319c");
 * console.assert(formatTraceParent(trace).startsWith("00-0af7651916cd43dd8448eb211c80319c-"));
 * ```
 */
export function startTrace(header?: string | null): TraceParent {
  const match = header ? PATTERN.exec(header.trim()) : null;
  if (match === null) {
    return { traceId: randomHex(16), spanId: randomHex(8), flags: "00" };
  }
  return {
    traceId: match[1]!,
    spanId: randomHex(8),
    parentId: match[2]!,
    flags: match[3]!,
  };
}

/** The `traceparent` that an outgoing request of this task carries. */
export function formatTraceParent(trace: TraceParent): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags}`;
}

/** From a UUID, as that is an order of magnitude cheaper than asking for the bytes: 122 of its 128 bits are random. */
function randomHex(bytes: number): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, bytes * 2);
}
