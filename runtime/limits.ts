/**
 * Limits, each with whom it protects from what. A function's manifest may lower or raise the ones named in
 * `function.json`, up to the operator's ceilings; the rest hold for every function. `limits.md` is made from this file.
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

/**
 * What a string, a list, or an element that is a value of its own takes beside its bytes: some tens of bytes of the host's
 * memory, and some tenths of a microsecond in which nobody else runs, so that many small ones are as dear as a large one.
 */
export const LIFTED_VALUE_BYTES = 64;

/**
 * What may be lifted in one call, by default and at most: nobody else runs meanwhile. Of all values lists of short lists are
 * the dearest: so much of them took 100 to 220 ms, twice as much up to 600, eight times as much 2 s. Streams take more.
 */
const MAX_LIFTED_BYTES = 2 ** 25;

/** One limit of a function. Its unit is in its name, or it is a number of what it names. */
interface FunctionLimit {
  /** What holds where a manifest says nothing. */
  readonly byDefault: number;
  /** The most that a manifest may ask for, and an operator may allow. */
  readonly most: number;
  /** For `function.json`. */
  readonly description: string;
  /** Why the default is what it is: whom it protects from what. */
  readonly reason: string;
  /** What the caller gets when it is met: a status and a code, as long as headers have not been sent. */
  readonly caller: string;
  /** What the guest gets, where it may go on. */
  readonly guest?: string;
}

/**
 * The limits that a manifest may set under `limits`. To add one, add an entry, and write `limits.md` and the schema anew with
 * `deno task schema`.
 */
export const FUNCTION_LIMITS = {
  wallMs: {
    byDefault: DEFAULT_WALL_MS,
    most: MAX_WALL_MS,
    description:
      "How long one request may take by the clock, in milliseconds: until its guest has ended, with all waiting.",
    reason: "A guest that waits for ever gives its place back before its caller's patience ends.",
    caller: "504 `deadline-exceeded`",
  },
  cpuMs: {
    byDefault: 5000,
    most: MAX_WALL_MS,
    description:
      "CPU time of one request, in milliseconds: what its guest computes, without what other processes of the machine had of the processor meanwhile.",
    reason: "Seconds of computing for one answer are a mistake far more often than a need, and cost all on this core.",
    caller: "504 `cpu-limit`",
  },
  memoryMb: {
    byDefault: 128,
    most: 65_536,
    description:
      "Linear memory of one isolate, in MiB. Of garbage-collected objects it may have twice as much, and 512 MiB that are not collected yet; of a single array, 128 MiB more.",
    reason: "Room for an interpreter, and for a hundred of such isolates in a machine of 16 GB.",
    caller: "what the guest makes of it; 500 `guest-trapped` for objects",
    guest: "`memory.grow` answers -1",
  },
  tableElements: {
    byDefault: 200_000,
    most: 10_000_000,
    description: "Elements in the tables of one isolate.",
    reason: "Several times what the largest language runtimes begin with.",
    caller: "what the guest makes of it",
    guest: "`table.grow` answers -1",
  },
  isolates: {
    byDefault: 2000,
    most: 100_000,
    description: "Isolates of the function at once; more requests wait.",
    reason: "Half of what a process has: one function that waits for its upstream leaves room for the others.",
    caller: "a wait in the function's queue",
    guest:
      "`loop-detected` (508) or `destination-unavailable` (429) for a call of another function that could only wait for itself",
  },
  queue: {
    byDefault: 1000,
    most: 100_000,
    description:
      "Requests that may wait for an isolate; more are refused with 429, or with 503 if the process is full.",
    reason: "Callers behind more than that would wait too long to be still there.",
    caller: "429 `function-busy` or 503 `overloaded`, with `Retry-After`",
  },
  queueWaitMs: {
    byDefault: 5000,
    most: MAX_WALL_MS,
    description:
      "How long a request may wait for an isolate, in milliseconds, before it is refused with 429, or with 503 if the process is full.",
    reason: "Below the patience of proxies and people, so that they hear from us and not of a timeout elsewhere.",
    caller: "429 `function-busy` or 503 `overloaded`, with `Retry-After`",
  },
  requestBodyBytes: {
    byDefault: 2 ** 30,
    most: 2 ** 50,
    description: "Bytes of a request's body; a larger one is refused with 413.",
    reason: "Bodies stream through in flat memory: what they cost is bandwidth and time.",
    caller: "413 `request-too-large`",
  },
  requestBodyWaitMs: {
    byDefault: 10_000,
    most: MAX_WALL_MS,
    description:
      "How long a function may have to wait for its caller to send the body, in milliseconds, in all, and a millisecond more for each byte that has come; then the request is refused with 408.",
    reason: "A caller who sends a byte now and then would hold an isolate for as long as it likes.",
    caller: "408 `request-timeout`",
  },
  responseBodyBytes: {
    byDefault: 2 ** 34,
    most: 2 ** 50,
    description: "Bytes of a response's body; a larger one is broken off.",
    reason: "A guest that writes for ever would otherwise do so until its deadline.",
    caller: "502 `response-too-large`, or a body broken off",
  },
  headerCount: {
    byDefault: MAX_FIELDS_COUNT,
    most: 100_000,
    description: "Headers of one message; a request with more is refused with 431.",
    reason: "More than any browser or proxy sends; each is an object in the host.",
    caller: "431 `headers-too-large`",
    guest: "an error or a trap from the call that adds one",
  },
  headerBytes: {
    byDefault: MAX_FIELDS_BYTES,
    most: 16 * 1024 * 1024,
    description: "Bytes in the names and values of one message's headers; a request with more is refused with 431.",
    reason: "A guest cannot make the host hold a gigabyte of headers.",
    caller: "431 `headers-too-large`",
    guest: "an error or a trap from the call that adds one",
  },
  outgoingRequests: {
    byDefault: 1000,
    most: 1_000_000,
    description: "Outgoing requests that one request may cause in all, calls of other functions by name among them.",
    reason: "One answer that takes hundreds of calls is a loop that lost its end, and others see our address.",
    caller: "what the guest makes of it",
    guest: "`connection-limit-reached`",
  },
  outgoingAtOnce: {
    byDefault: MAX_OUTGOING_AT_ONCE,
    most: 1000,
    description:
      "Outgoing requests to other servers that wait for their response at once; more wait for their turn. Calls of other functions by name wait in the queues of those.",
    reason: "One request does not fill an upstream, nor the sockets of the process.",
    caller: "nothing: the guest waits",
    guest: "a longer wait",
  },
  hostCallBytes: {
    byDefault: MAX_LIFTED_BYTES,
    most: MAX_LIFTED_BYTES,
    description:
      `Bytes of the strings and lists that a guest may hand to the host in one call, and ${LIFTED_VALUE_BYTES} for each of them, of their elements, and of the fields and flags of those.`,
    reason:
      "Lists may overlap in a guest's memory: a megabyte of it could stand for gigabytes in the host's. Nobody else runs until the call has them all, and of the dearest, such as lists of short lists, more would take over 300 ms.",
    caller: "500 `guest-trapped`",
  },
  logBytes: {
    byDefault: MAX_LOG_BYTES,
    most: 2 ** 30,
    description: "Bytes that one request may log; the rest is counted and dropped.",
    reason: "A guest must not fill the operator's disk.",
    caller: "nothing",
    guest: "nothing: the rest is dropped, and a record says how much",
  },
  handles: {
    byDefault: MAX_HANDLES,
    most: 2 ** 28 - 1,
    description: "Handles that one component instance may hold at once.",
    reason: "What handles stand for is memory of the host.",
    caller: "500 `guest-trapped`",
  },
  subtasks: {
    byDefault: 1000,
    most: 1_000_000,
    description:
      "Asynchronous calls, and as many threads, that one component instance may have under way at once (WASI 0.3).",
    reason: "Each is a promise, a timer or a socket of the host; more than the calls of any real answer.",
    caller: "500 `guest-trapped`",
  },
  streams: {
    byDefault: 2000,
    most: 1_000_000,
    description:
      "Ends of streams and futures that one component instance may hold at once (WASI 0.3), and bodies of messages that it has not sent (0.2).",
    reason: "Behind each the host may hold a buffer of 64 KiB.",
    caller: "500 `guest-trapped`",
    guest: "an error for the body (0.2)",
  },
  randomBytes: {
    byDefault: MAX_RANDOM_BYTES,
    // 170 ms; a gigabyte took 1.4 s.
    most: 2 ** 27,
    description: "Random bytes that one call may ask for.",
    reason: "A guest can ask for 2^64 of them, and no other request runs while they are made.",
    caller: "500 `guest-trapped`",
  },
  scratchMb: {
    byDefault: 16,
    most: 65_536,
    description: "What is in the scratch folder of one request, in MiB.",
    reason: "It is memory of the host, beside that of the isolate.",
    caller: "what the guest makes of it",
    guest: "`insufficient-space`",
  },
  scratchEntries: {
    byDefault: 1000,
    most: 1_000_000,
    description: "Files, folders and links in the scratch folder of one request.",
    reason: "Each takes some hundred bytes of the host's memory, however empty it is.",
    caller: "what the guest makes of it",
    guest: "`insufficient-space`",
  },
} as const satisfies Readonly<Record<string, FunctionLimit>>;

/** A limit's name. */
export type LimitName = keyof typeof FUNCTION_LIMITS;

/** What is counted where a quota is met, `kv.maxBytes`, or a limit that nobody sets, as `process.stacks` and `request.messages`. */
export type QuotaName = `${string}.${string}`;

/** A function's limits, defaults applied. */
export type Limits = { readonly [Name in LimitName]: number };

/** The limits of a function whose manifest says nothing. */
export const DEFAULT_LIMITS: Limits = Object.freeze(
  Object.fromEntries(Object.entries(FUNCTION_LIMITS).map(([name, { byDefault }]) => [name, byDefault])) as {
    [Name in LimitName]: number;
  },
);

/** The most that an operator allows functions of this process, where that is less than {@linkcode FUNCTION_LIMITS} do. */
export type Ceilings = Partial<Limits>;

/**
 * `limits` where the operator has set ceilings: a default that is above one is lowered to it. What a manifest asks for
 * beyond one is not: the function would run otherwise than it says.
 *
 * @returns the limits, and the names of those that are above their ceilings.
 *
 * @example
 * ```ts
 * import { DEFAULT_LIMITS, underCeilings } from "./limits.ts";
 *
 * const { limits, over } = underCeilings({ ...DEFAULT_LIMITS, memoryMb: 512 }, { cpuMs: 1000, memoryMb: 256 });
 * console.assert(limits.cpuMs === 1000 && over[0] === "memoryMb");
 * ```
 */
export function underCeilings(limits: Limits, ceilings: Ceilings): { limits: Limits; over: LimitName[] } {
  const lowered: { -readonly [Name in LimitName]: number } = { ...limits };
  const over: LimitName[] = [];
  for (const name of Object.keys(ceilings) as LimitName[]) {
    const ceiling = ceilings[name]!;
    if (limits[name] <= ceiling) continue;
    if (limits[name] === DEFAULT_LIMITS[name]) lowered[name] = ceiling;
    else over.push(name);
  }
  return { limits: lowered, over };
}

/**
 * Isolates at once in the whole process. Past about 6,000 live memories V8 needs milliseconds for each new one, and an
 * isolate that has ended keeps its memory until it is collected.
 */
export const DEFAULT_MAX_ISOLATES = 4000;

/**
 * Memories of isolates at once in the whole process, those included that have ended and are not collected yet. V8 maps
 * each apart; past some thousands it takes milliseconds to make one.
 */
export const MAX_MEMORIES = 5500;

/**
 * Stacks in the process that threads of guests wait on, and calls from one component to another: beside the one that each
 * isolate has. V8 ends the process when the system has no room for one more, and Linux has 65,530 mappings for it: two for
 * each stack, those of isolates and their memories among them. A function may have half.
 */
export const MAX_STACKS = 12_000;

/**
 * Linear memory of all isolates in the process, in MiB, where nobody says how much there is: four thousand small ones.
 * It is what they have declared; guests touch a part of it.
 */
export const DEFAULT_MEMORY_MB = 4096;

/** How much of the machine's or container's memory guests get, where that is known. The rest is the host's own. */
export const MEMORY_SHARE = 0.75;

/**
 * What the globals and tables of one isolate may be made of, in the heap of the host: objects that are there before any of
 * its code has run, and that no limit is asked for.
 */
export const MAX_CONSTANT_BYTES = 1024 * 1024;

/**
 * Steps of some 25 ns that V8 may take to make the core instances of one isolate: nothing else runs meanwhile, and a hundred
 * milliseconds is what others can bear. It looks up and defines imports and exports, works out globals, fills tables.
 */
export const MAX_START_STEPS = 4_000_000;

/** What an isolate may grow by without asking the process, so that small ones never wait. It is counted all the same. */
export const FREE_GROWTH_BYTES = 1024 * 1024;

/** Bytes that wait between a guest and a slow reader before the guest has to wait: memory of the host. */
export const STREAM_HIGH_WATER_BYTES = 128 * 1024;

/** The same for a reader that takes so much within milliseconds: each piece costs both a turn, whatever its size. */
export const STREAM_BURST_BYTES = 512 * 1024;

/** What one `read` hands to a guest at most: a guest may ask for 2^64 bytes. */
export const MAX_READ_BYTES = 64 * 1024;

/** One line on stdout or stderr; longer ones are cut into several records. */
export const MAX_LOG_LINE_BYTES = 8 * 1024;

/** Host calls that a task remembers for the error page. */
export const MAX_RECORDED_CALLS = 200;

/** Outgoing requests of one task whose response has not been read to its end: sockets of the host. More are refused. */
export const MAX_OUTGOING_OPEN = 256;

/**
 * Connections to other servers at once in the whole process. Each is a socket and its buffers, beside those of callers and
 * files: containers and services often have 4,096 in all, and one function may have half of these.
 */
export const DEFAULT_MAX_OUTGOING_CONNECTIONS = 2000;

/** How long an outgoing request waits for a connection of the process: below the patience of who asked the function. */
export const CONNECTION_WAIT_MS = 5000;

/** How long running requests may go on after SIGINT or SIGTERM. */
export const STOP_GRACE_MS = 10_000;

/** A component binary, so that a stray file does not fill memory. */
export const MAX_COMPONENT_BYTES = 256 * 1024 * 1024;

/** Throw-away processes at once, for transpiling and building: each takes a core and some hundred megabytes. */
export const MAX_CHILDREN_AT_ONCE = 2;

/** More of them for what a request waits for, so that it need not wait for those that nobody has asked for yet. */
export const MAX_URGENT_CHILDREN = 1;

/** How long jco's transpiler may take for one component, so that one that it never ends with holds up no others. */
export const MAX_TRANSPILE_MS = 120_000;

/** Builds of one source that stay in the cache, so that going back to an old version is quick and disks do not fill. */
export const BUILDS_KEPT_PER_SOURCE = 4;

/** Components whose generated code stays in the cache: each takes about as much as the component itself. */
export const GENERATED_FOLDERS_KEPT = 64;

/** How many functions may call each other in a row, so that two that call each other do not fill the process. */
export const MAX_CALL_DEPTH = 8;

/** The scratch folders of all requests together, in bytes: memory of the host. */
export const MAX_SCRATCH_BYTES = 2 ** 30;

/** The assets of one grant, in bytes: they are kept in memory, once for each function. */
export const MAX_ASSET_BYTES = 256 * 1024 * 1024;

/** Files and folders among the assets of one grant. */
export const MAX_ASSET_ENTRIES = 65_536;

/** After so many failures a message is a dead letter: an outage of a minute or two is outlived, a mistake is not retried for ever. */
export const DEFAULT_QUEUE_ATTEMPTS = 8;

/** Messages of one queue that a process handles at once, so that a long line takes no places from requests. */
export const DEFAULT_QUEUE_CONCURRENCY = 10;

/** The longest that a retry waits. */
export const MAX_QUEUE_BACKOFF_MS = 3_600_000;
