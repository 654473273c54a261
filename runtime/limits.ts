/**
 * Limits, each with whom it protects from what. A function's manifest may lower or raise the ones named in
 * `function.json`; the rest hold for every function.
 *
 * @module
 */

/** Wall time of one task, so that a guest which waits for ever gives its place back. */
export const DEFAULT_WALL_MS = 30_000;

/** The longest wall time that a manifest may ask for. */
export const MAX_WALL_MS = 3_600_000;

/** Random bytes in one call, for a guest can ask for 2^64 of them. */
export const MAX_RANDOM_BYTES = 1024 * 1024;

/** Log text of one task. The rest is counted, not kept: a guest must not fill the operator's disk. */
export const MAX_LOG_BYTES = 1024 * 1024;

/** All names and values of one set of fields, so that a guest cannot send a gigabyte of headers. */
export const MAX_FIELDS_BYTES = 128 * 1024;

/** Fields in one set. */
export const MAX_FIELDS_COUNT = 1000;

/** Outgoing requests of one task that wait for their response at once; more of them wait for their turn. */
export const MAX_OUTGOING_AT_ONCE = 32;

/** Handles of one component instance at once, so that a guest cannot fill the host's memory with what they stand for. */
export const MAX_HANDLES = 100_000;

/** One limit of a function. Its unit is in its name. */
interface FunctionLimit {
  /** What holds where a manifest says nothing. */
  readonly byDefault: number;
  /** The most that a manifest may ask for. */
  readonly most: number;
  /** For `function.json`. */
  readonly description: string;
}

/** The limits that a manifest may set under `limits`. To add one, add an entry. */
export const FUNCTION_LIMITS = {
  wallMs: {
    byDefault: DEFAULT_WALL_MS,
    most: MAX_WALL_MS,
    description: "Wall time of one request, in milliseconds.",
  },
  // Seconds of computing for one answer are a mistake far more often than a need, and cost everyone on this core.
  cpuMs: {
    byDefault: 5000,
    most: MAX_WALL_MS,
    description: "CPU time of one request, in milliseconds.",
  },
  // Room for an interpreter, and for a hundred of such isolates in a machine of 16 GB.
  memoryMb: {
    byDefault: 128,
    most: 65_536,
    description: "Linear memory of one isolate, in MiB.",
  },
  // Several times what the largest runtimes begin with.
  tableElements: {
    byDefault: 200_000,
    most: 10_000_000,
    description: "Elements in the tables of one isolate.",
  },
  // Half of what a process has by default: one function that waits for its upstream leaves room for the others.
  isolates: {
    byDefault: 2000,
    most: 100_000,
    description: "Isolates of the function at once; more requests wait.",
  },
  // Callers behind more than that would wait too long to be still there.
  queue: {
    byDefault: 1000,
    most: 100_000,
    description: "Requests that may wait for an isolate; more are refused with 503.",
  },
  // Below the patience of proxies and people, so that they hear 503 from us and not a timeout from someone else.
  queueWaitMs: {
    byDefault: 5000,
    most: MAX_WALL_MS,
    description: "How long a request may wait for an isolate before it is refused with 503, in milliseconds.",
  },
  // Bodies stream through in flat memory: what they cost is bandwidth and time. Larger uploads are worth a line.
  requestBodyBytes: {
    byDefault: 2 ** 30,
    most: 2 ** 50,
    description: "Bytes of a request's body; a larger one is refused with 413.",
  },
  // A guest that writes for ever would otherwise do so until its deadline.
  responseBodyBytes: {
    byDefault: 2 ** 34,
    most: 2 ** 50,
    description: "Bytes of a response's body; a larger one is broken off.",
  },
  headerCount: {
    byDefault: MAX_FIELDS_COUNT,
    most: 100_000,
    description: "Headers of one message; a request with more is refused with 431.",
  },
  headerBytes: {
    byDefault: MAX_FIELDS_BYTES,
    most: 16 * 1024 * 1024,
    description: "Bytes in the names and values of one message's headers; a request with more is refused with 431.",
  },
  // One answer that takes hundreds of calls is a loop that lost its end, and our address is what the others see.
  outgoingRequests: {
    byDefault: 1000,
    most: 1_000_000,
    description: "Outgoing requests that one request may cause in all.",
  },
  outgoingAtOnce: {
    byDefault: MAX_OUTGOING_AT_ONCE,
    most: 1000,
    description: "Outgoing requests that wait for their response at once; more wait for their turn.",
  },
  logBytes: {
    byDefault: MAX_LOG_BYTES,
    most: 2 ** 30,
    description: "Bytes that one request may log; the rest is counted and dropped.",
  },
  handles: {
    byDefault: MAX_HANDLES,
    most: 2 ** 28 - 1,
    description: "Handles that one component instance may hold at once.",
  },
  randomBytes: {
    byDefault: MAX_RANDOM_BYTES,
    most: 2 ** 30,
    description: "Random bytes that one call may ask for.",
  },
} as const satisfies Readonly<Record<string, FunctionLimit>>;

/** A function's limits, defaults applied. */
export type Limits = { readonly [Name in keyof typeof FUNCTION_LIMITS]: number };

/** The limits of a function whose manifest says nothing. */
export const DEFAULT_LIMITS: Limits = Object.freeze(
  Object.fromEntries(Object.entries(FUNCTION_LIMITS).map(([name, { byDefault }]) => [name, byDefault])) as {
    [Name in keyof Limits]: number;
  },
);

/**
 * Isolates at once in the whole process. Past about 6,000 live memories V8 needs milliseconds for each new one, and an
 * isolate that has ended keeps its memory until it is collected.
 */
export const DEFAULT_MAX_ISOLATES = 4000;

/** Bytes that wait between a guest and a slow reader before the guest has to wait: memory of the host. */
export const STREAM_HIGH_WATER_BYTES = 64 * 1024;

/** What one `read` hands to a guest at most: a guest may ask for 2^64 bytes. */
export const MAX_READ_BYTES = 64 * 1024;

/** One line on stdout or stderr; longer ones are cut into several records. */
export const MAX_LOG_LINE_BYTES = 8 * 1024;

/** Host calls that a task remembers for the error page. */
export const MAX_RECORDED_CALLS = 200;

/** Outgoing requests of one task whose response has not been read to its end: sockets of the host. More are refused. */
export const MAX_OUTGOING_OPEN = 256;

/** How long running requests may go on after SIGINT or SIGTERM. */
export const STOP_GRACE_MS = 10_000;

/** A component binary, so that a stray file does not fill memory. */
export const MAX_COMPONENT_BYTES = 256 * 1024 * 1024;

/** Throw-away processes at once, for transpiling and building: each takes a core and some hundred megabytes. */
export const MAX_CHILDREN_AT_ONCE = 2;

/** How long jco's transpiler may take for one component, so that one that it never ends with holds up no others. */
export const MAX_TRANSPILE_MS = 120_000;

/** Builds of one source that stay in the cache, so that going back to an old version is quick and disks do not fill. */
export const BUILDS_KEPT_PER_SOURCE = 4;

/** Components whose generated code stays in the cache: each takes about as much as the component itself. */
export const GENERATED_FOLDERS_KEPT = 64;

/** How many functions may call each other in a row, so that two that call each other do not fill the process. */
export const MAX_CALL_DEPTH = 8;
