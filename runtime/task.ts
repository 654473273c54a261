/**
 * A task: the host's record of one request.
 *
 * @module
 */
import { shortened, SkerryError } from "./errors.ts";
import { DEFAULT_LIMITS, type LimitName, type Limits, MAX_RECORDED_CALLS, type QuotaName } from "./limits.ts";
import type { Place } from "./admission.ts";
import { currentTask, maybeTask, withTask } from "./context.ts";
import type { HttpRequest, HttpResponse } from "./http/message.ts";
import { expireAfter } from "./deadline.ts";
import type { MemoryAccount } from "./memory.ts";
import { type LogLevel, type LogRecord, type LogSink, silentSink } from "./log.ts";
import { TaskLog } from "./task_log.ts";
import { startTrace, type TraceParent } from "./trace.ts";

/** What a new task is made of. */
export interface TaskOptions {
  /** The function's name. */
  readonly function: string;
  /** The caller's `x-request-id`; used when it is well formed. */
  readonly requestId?: string | null | undefined;
  /** The caller's `traceparent`; used when it is well formed. */
  readonly traceparent?: string | null | undefined;
  /** The function's. Default: those of a function whose manifest says nothing. */
  readonly limits?: Limits | undefined;
  /** Wall time in milliseconds, from now, if it is another than that in the limits. */
  readonly wallMs?: number | undefined;
  /** Aborts when the caller has gone. */
  readonly caller?: AbortSignal | undefined;
  readonly sink?: LogSink | undefined;
  /** Keep log records and host calls, for an error page. */
  readonly record?: boolean | undefined;
  /** How many functions called each other to get here; 0 for a request from outside. */
  readonly depth?: number | undefined;
  /** The task that calls this one, and waits for it. */
  readonly calledBy?: Task | undefined;
  /** Sends a request of the task to another function of this process. */
  readonly neighbours?: OfTask<CallNeighbour> | undefined;
  /** Hands a request of the task on to the function that its own stands in front of. */
  readonly next?: OfTask<CallNext> | undefined;
}

/**
 * Sends `request` to the function `name` of this process, with its bodies and trailers as they are.
 *
 * @throws {SkerryError} `route-not-found` when there is none, or what became of the call.
 */
export type CallNeighbour = (name: string, request: HttpRequest) => Promise<HttpResponse>;

/**
 * Hands `request` on to the next function in a chain of middleware, until `signal` aborts.
 *
 * @throws {SkerryError} with what became of the call.
 */
export type CallNext = (request: HttpRequest, signal?: AbortSignal) => Promise<HttpResponse>;

/** One of these for any task, which comes first. */
type OfTask<F extends (...args: never[]) => unknown> = (task: Task, ...args: Parameters<F>) => ReturnType<F>;

/** One host call, as an error page shows it. */
export interface HostCall {
  /** For example `wasi:io/poll#poll`. */
  readonly name: string;
  /** Milliseconds since the task began. */
  readonly at: number;
}

const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}$/;

/** The id of a request: the caller's `x-request-id` when it is well formed, otherwise a new one. */
export function requestId(header?: string | null): string {
  return header && REQUEST_ID.test(header) ? header : crypto.randomUUID();
}

/** Names are only noted at first: to count most of them would be for nobody. */
const MAX_UNCOUNTED_CALLS = 64;

const NONE_MET: ReadonlyMap<LimitName | QuotaName, number> = new Map();

/** Why a task ended that came to its end. One for all: making one takes a stack trace. */
const OVER = new DOMException("the task is over", "AbortError");

/**
 * The host's record of one request. It ends exactly once; ending aborts its signal and runs its clean-up.
 *
 * @example
 * ```ts
 * import { Task } from "./task.ts";
 *
 * const task = new Task({ function: "hello", requestId: "abc", wallMs: 1000 });
 * let closed = false;
 * task.defer(() => { closed = true; });
 * task.end();
 * console.assert(task.id === "abc" && closed && task.signal.aborted);
 * ```
 */
export class Task {
  readonly id: string;
  readonly function: string;
  readonly limits: Limits;
  /** Milliseconds since the epoch, when the task began. */
  readonly startedAt: number = Date.now();
  readonly depth: number;
  /** The task that calls this one; `undefined` for a request from outside. */
  readonly calledBy: Task | undefined;
  /** The place that it has; `undefined` while it waits for one. */
  place: Place | undefined;
  /** When the task has to be over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** For how long guest code has run, in milliseconds; engines count it. */
  cpuMs = 0;
  /** What its isolate may have of the process's memory; `undefined` where nobody counts that. */
  memory: MemoryAccount | undefined;

  /** `performance.now()` when it has to be over. */
  readonly expiresAt: number;
  readonly #began = performance.now();
  readonly #sink: LogSink;
  #log: TaskLog | undefined;
  /** For an error page; `undefined` where nothing is recorded. */
  readonly #recorded: { readonly calls: HostCall[]; readonly log: LogRecord[] } | undefined;
  /** Keys and values by turns: they are few, and looked for more often than a map would take to make. */
  #locals: unknown[] | undefined;
  #cleanups: (() => void)[] = [];
  /** Names of host functions that were called, and are not counted yet. */
  #called: string[] = [];
  #calls: Map<string, number> | undefined;
  readonly #traceparent: string | null | undefined;
  #callOffDeadline: (() => void) | undefined;
  #trace: TraceParent | undefined;
  #controller: AbortController | undefined;
  #reason: unknown;
  // Made when it is needed: most tasks need none.
  #met: Map<LimitName | QuotaName, number> | undefined;
  readonly #neighbours: TaskOptions["neighbours"];
  readonly #next: TaskOptions["next"];
  #callerListener: (() => void) | undefined;

  constructor(options: TaskOptions) {
    this.id = requestId(options.requestId);
    this.function = options.function;
    this.limits = options.limits ?? DEFAULT_LIMITS;
    this.#traceparent = options.traceparent;
    this.depth = options.depth ?? 0;
    this.calledBy = options.calledBy;
    this.#neighbours = options.neighbours;
    this.#next = options.next;
    this.#sink = options.sink ?? silentSink;
    this.#recorded = options.record ? { calls: [], log: [] } : undefined;
    const wallMs = options.wallMs ?? this.limits.wallMs;
    this.deadline = this.startedAt + wallMs;
    this.expiresAt = this.#began + wallMs;
    this.#callOffDeadline = expireAfter(wallMs, this);
    if (options.caller !== undefined) this.attachCaller(options.caller);
  }

  /** From now on the task ends when `caller` aborts, for its caller has left. */
  attachCaller(caller: AbortSignal): void {
    const gone = () => {
      this.end(new SkerryError("caller-gone", `running ${this.function}: the caller has left`));
    };
    if (caller.aborted) return queueMicrotask(gone);
    caller.addEventListener("abort", gone, { once: true });
    this.#callerListener = () => caller.removeEventListener("abort", gone);
  }

  /** The trace that the task belongs to, made when it is first asked for. */
  get trace(): TraceParent {
    return this.#trace ??= startTrace(this.#traceparent);
  }

  /** Aborts when the task ends, whatever ended it; its reason is {@linkcode reason}. Made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.ended) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The last host calls, if the task records them. */
  get recordedCalls(): readonly HostCall[] {
    return this.#recorded?.calls ?? [];
  }

  /** The log so far, if the task records it. */
  get records(): readonly LogRecord[] {
    return this.#recorded?.log ?? [];
  }

  /** Whether the task is over. */
  get ended(): boolean {
    return this.#reason !== undefined;
  }

  /** Why the task ended: a `SkerryError`, or an `AbortError` when all went well. `undefined` while it runs. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Whether its deadline has passed, for who keeps timers from firing. */
  get overdue(): boolean {
    return performance.now() >= this.expiresAt;
  }

  /** Ends the task if its deadline has passed. Answers whether the task is over. */
  expire(): boolean {
    if (!this.ended && this.overdue) {
      this.countLimit("wallMs");
      const wallMs = Math.round(this.expiresAt - this.#began);
      this.end(
        new SkerryError("deadline-exceeded", `running ${this.function}: no end after ${wallMs} ms (limits.wallMs)`),
      );
    }
    return this.ended;
  }

  /** Sends a request to another function of this process; `undefined` where there is no other. */
  get callNeighbour(): CallNeighbour | undefined {
    const call = this.#neighbours;
    return call && ((name, request) => call(this, name, request));
  }

  /** Hands a request on to the function that this one stands in front of; `undefined` where it stands in front of none. */
  get callNext(): CallNext | undefined {
    const call = this.#next;
    return call && ((request, signal) => call(this, request, signal));
  }

  /** How often each limit was met. */
  get met(): ReadonlyMap<LimitName | QuotaName, number> {
    return this.#met ?? NONE_MET;
  }

  /** Counts that a limit was met. What ends the task for it says the rest. */
  countLimit(limit: LimitName | QuotaName): number {
    this.#met ??= new Map();
    const count = (this.#met.get(limit) ?? 0) + 1;
    this.#met.set(limit, count);
    return count;
  }

  /** Counts that a limit was met that the guest lives on with, and logs the first time. */
  meet(limit: LimitName, what: string): void {
    if (this.countLimit(limit) === 1) {
      this.log("warn", `limits.${limit} is ${this.limits[limit]}: refused ${what}`, "host", { limit });
    }
  }

  /** Milliseconds since the task began. */
  get elapsedMs(): number {
    return performance.now() - this.#began;
  }

  /** Ends the task: aborts its signal with `reason`, runs its clean-up in reverse order. Later calls do nothing. */
  end(reason?: SkerryError): void {
    if (this.ended) return;
    // A deadline and a caller who leaves are told by others' timers and events: what they end still belongs to this task.
    if (maybeTask() !== this) return withTask(this, () => this.#end(reason));
    this.#end(reason);
  }

  #end(reason?: SkerryError): void {
    // An ended task is to refer to little: Deno's AsyncLocalStorage holds it, and all that it refers to, until V8 has collected
    // twice, which then takes as long as there is much of it.
    this.#callOffDeadline?.();
    this.#callOffDeadline = undefined;
    this.detachCaller();
    this.#log?.sayDropped();
    this.#reason = reason ?? OVER;
    this.#controller?.abort(this.#reason);
    const cleanups = this.#cleanups;
    this.#cleanups = [];
    for (let i = cleanups.length - 1; i >= 0; i--) {
      try {
        cleanups[i]!();
      } catch (error) {
        const detail = error instanceof Error ? error.stack ?? error.message : error;
        this.#ownLog.write("error", `cleaning up: ${detail}`, "host");
      }
    }
    this.#locals = undefined;
  }

  /** From now on the caller's leaving no longer ends the task: its response is under way, and says so itself. */
  detachCaller(): void {
    this.#callerListener?.();
    this.#callerListener = undefined;
  }

  /** Runs `cleanup` when the task ends, at once if it is over. Returns a function that takes it back. */
  defer(cleanup: () => void): () => void {
    if (this.ended) {
      cleanup();
      return () => {};
    }
    this.#cleanups.push(cleanup);
    return () => {
      const at = this.#cleanups.lastIndexOf(cleanup);
      if (at >= 0) this.#cleanups.splice(at, 1);
    };
  }

  /** Counts a host call. Engines call this; hosts need not. */
  countCall(name: string): void {
    if (this.#called.push(name) >= MAX_UNCOUNTED_CALLS) this.#count();
    if (this.#recorded === undefined) return;
    const { calls } = this.#recorded;
    if (calls.length >= MAX_RECORDED_CALLS) calls.shift();
    calls.push({ name, at: Math.round(this.elapsedMs * 100) / 100 });
  }

  /** How often each host function was called, by name. */
  get calls(): ReadonlyMap<string, number> {
    return this.#count();
  }

  #count(): ReadonlyMap<string, number> {
    const calls = this.#calls ??= new Map();
    for (const name of this.#called) calls.set(name, (calls.get(name) ?? 0) + 1);
    this.#called.length = 0;
    return calls;
  }

  get #ownLog(): TaskLog {
    return this.#log ??= new TaskLog(this, this.#sink, this.#recorded?.log);
  }

  /** Whether anybody gets what is logged. */
  get logs(): boolean {
    return this.#recorded !== undefined || this.#sink !== silentSink;
  }

  /** Writes a log record that carries the task's ids. */
  log(
    level: LogLevel,
    message: string,
    source = "host",
    fields?: Readonly<Record<string, unknown>>,
  ): void {
    if (!this.#ownLog.hasRoom(message)) this.countLimit("logBytes");
    else if (this.logs) this.#ownLog.write(level, message, source, fields);
  }

  /** Writes the record of what became of the task: the one that is never dropped, and is shortened instead. */
  conclude(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (!this.logs) return;
    const { stack } = fields;
    const short = typeof stack === "string" ? { ...fields, stack: shortened(stack) } : fields;
    this.#ownLog.write(level, shortened(message), "host", short);
  }

  /** From now on `secret` stands in no log record of the task, as far as it is written there as it is. */
  keepSecret(secret: string): void {
    this.#ownLog.keepSecret(secret);
  }

  /** The value of `key` in this task, made by `make` at its first use. Prefer {@linkcode taskLocal}. */
  local<T>(key: object, make: () => T): T {
    const known = this.#locals ?? [];
    for (let at = 0; at < known.length; at += 2) if (known[at] === key) return known[at + 1] as T;
    const value = make();
    // Making it may have made others.
    (this.#locals ??= known).push(key, value);
    return value;
  }
}

/**
 * Plain task-local state: one value for each task, made at its first use and dropped when the task ends.
 *
 * @example
 * ```ts
 * import { withTask } from "./context.ts";
 * import { Task, taskLocal } from "./task.ts";
 *
 * const visits = taskLocal(() => ({ count: 0 }));
 * const task = new Task({ function: "hello" });
 * withTask(task, () => { visits().count++; console.assert(visits().count === 1); });
 * task.end();
 * ```
 */
export function taskLocal<T>(make: () => T): () => T {
  const key = {};
  return () => currentTask().local(key, make);
}
