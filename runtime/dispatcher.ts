/**
 * From a Web request to an isolate and back: task → isolate → response.
 *
 * @module
 */
import { type Admission, AdmissionRefusal, type Place, processAdmission } from "./admission.ts";
import { boundedRequest, boundedResponse } from "./bounds.ts";
import { Callers } from "./callers.ts";
import { enterTask, startTask, withTask } from "./context.ts";
import { type Chain, gatherChain } from "./chain.ts";
import { Delivery } from "./delivery.ts";
import type { Isolate } from "./engine/mod.ts";
import { startFailure } from "./engine/start_failure.ts";
import { SkerryError, toSkerryError } from "./errors.ts";
import type { ServedFunction } from "./handler.ts";
import { type Exchange, type HttpRequest, type HttpResponse, withSource } from "./http/message.ts";
import { receiveRequest, sendResponse } from "./http/web.ts";
import { MAX_CALL_DEPTH } from "./limits.ts";
import type { LogSink } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { concludeDone, concludeFailed } from "./outcome.ts";
import { tellEnd } from "./streams/passed.ts";
import { orEnd } from "./or_end.ts";
import { RunningTasks, type Tasks } from "./running.ts";
import { Task, type TaskOptions } from "./task.ts";
import { formatTraceParent } from "./trace.ts";
import { Usage } from "./usage.ts";

/** A call that no request asks for. */
export interface CallOptions {
  /** What it is for, in the log: `queue orders`. */
  readonly label: string;
  /** The task's id. */
  readonly requestId?: string | undefined;
  /** The trace that the call goes on with. */
  readonly traceparent?: string | undefined;
}

/** A request that got no response of its function. */
export interface Failure {
  readonly error: SkerryError;
  /** The request's task; `null` if it ended before there was one. */
  readonly task: Task | null;
  readonly request: Request;
}

/** Makes the answer to a request that failed before its headers were sent. */
export type FailureResponse = (failure: Failure) => Response;

export interface DispatcherOptions {
  readonly sink: LogSink;
  /** Whose places isolates take. Default: those of the process. */
  readonly admission?: Admission;
  /** Keep each task's log and host calls, for an error page. */
  readonly record?: boolean;
  /** The function that `http://NAME.internal` is. */
  readonly neighbour?: (name: string) => Promise<ServedFunction> | undefined;
}

/**
 * Serves requests, each in a fresh isolate with a task of its own.
 *
 * The isolate ends when the response is complete and the guest has returned, or as soon as the caller leaves, the
 * deadline passes, or the guest fails.
 */
export class Dispatcher {
  /** What became of its tasks. */
  readonly metrics: Metrics = new Metrics();
  readonly #options: DispatcherOptions;
  readonly #admission: Admission;
  /** What functions use, if tasks are recorded. */
  readonly usage: Usage | undefined;
  readonly #tasks = new RunningTasks((task) => this.usage?.add(task));
  readonly #callers = new Callers();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.usage = options.record ? new Usage() : undefined;
    this.#admission = options.admission ?? processAdmission;
  }

  /** Whose places isolates take. */
  get admission(): Admission {
    return this.#admission;
  }

  /** The tasks that are running. */
  get tasks(): Tasks {
    return this.#tasks;
  }

  /**
   * Serves one request: at once, where the guest answers without waiting for anything, so that its isolate is free again for
   * the next request of the same turn. Never fails: a failure becomes a response through `failed`.
   */
  dispatch(served: ServedFunction, request: Request, failed: FailureResponse): Response | Promise<Response> {
    const front = served.middleware;
    if (front === undefined || front.length === 0) return this.#dispatch(served, NONE, request, failed);
    return gatherChain(served, this.#options.neighbour).then(
      ([first, ...next]) => this.#dispatch(first, next, request, failed),
      (thrown) => failed({ error: toSkerryError(thrown, `serving ${served.name}`), task: null, request }),
    );
  }

  #dispatch(
    served: ServedFunction,
    next: readonly ServedFunction[],
    request: Request,
    failed: FailureResponse,
  ): Response | Promise<Response> {
    const { headers } = request;
    const task = this.#begin(served, {
      requestId: headers.get("x-request-id"),
      traceparent: headers.get("traceparent"),
      limits: served.limits,
    }, next);
    // A body is read later, and what an engine leaves to run later is not known of all.
    const start = served.linked.startsTasks === true && request.body === null ? startTask : withTask;
    return start(task, () => this.#serve(served, request, failed, task));
  }

  #serve(
    served: ServedFunction,
    request: Request,
    failed: FailureResponse,
    task: Task,
  ): Response | Promise<Response> {
    try {
      const exchange = this.#start(served, receiveRequest(request, served.limits), task);
      if (!(exchange instanceof Promise) && !(exchange.response instanceof Promise)) {
        return this.#answer(request, task, exchange, exchange.response);
      }
      enterTask();
      this.#callers.watch(task, request);
      return this.#serveLater(request, failed, task, exchange);
    } catch (thrown) {
      return this.#refuse(request, failed, task, thrown);
    }
  }

  async #serveLater(
    request: Request,
    failed: FailureResponse,
    task: Task,
    started: Exchange | Promise<Exchange>,
  ): Promise<Response> {
    try {
      const exchange = await started;
      return this.#answer(request, task, exchange, await exchange.response);
    } catch (thrown) {
      return this.#refuse(request, failed, task, thrown);
    }
  }

  #refuse(request: Request, failed: FailureResponse, task: Task, thrown: unknown): Response {
    this.#callers.forget(task);
    const error = toSkerryError(thrown, `serving ${task.function}`);
    concludeFailed(task, this.metrics, () => labelOf(request), error);
    // It may be anybody's.
    enterTask();
    const response = failed({ error, task, request });
    task.end(error);
    if (!response.headers.has("x-request-id")) response.headers.set("x-request-id", task.id);
    return response;
  }

  #answer(request: Request, task: Task, exchange: Exchange, answer: HttpResponse): Response {
    const bounded = boundedResponse(answer, task);
    if (task.ended) throw task.reason;
    this.#callers.forget(task);
    const ending: Ending = { status: answer.status, label: () => labelOf(request) };
    const { finished } = exchange;
    // Nobody has to hear how the sending of a whole response goes.
    const delivery = finished === undefined && isWhole(bounded) ? undefined : new Delivery(task.function);
    if (delivery !== undefined) enterTask();
    const response = sendResponse(bounded, {
      method: request.method,
      requestId: task.id,
      signal: () => task.signal,
      onEnd: delivery?.end ?? ignore,
    });
    if (delivery === undefined) this.#endWell(task, ending);
    else this.#endAfter(task, finished, delivery, ending);
    return response;
  }

  /**
   * Serves a request that a function sends to its neighbour in this process: a task of its own, with the caller's id and
   * trace, which ends with the caller's at the latest. Bodies and trailers pass as they are.
   *
   * @param signal Ends it as well; only who stands in front of others has one.
   * @throws {SkerryError}
   */
  async #call(
    [served, ...next]: Chain,
    request: HttpRequest,
    caller: Task,
    signal?: AbortSignal,
  ): Promise<HttpResponse> {
    const depth = caller.depth + 1;
    if (depth > MAX_CALL_DEPTH) {
      caller.countLimit("request.callDepth");
      throw new SkerryError(
        "loop-detected",
        `calling ${served.name} from ${caller.function}: functions have called each other ${MAX_CALL_DEPTH} deep`,
      );
    }
    const task = this.#begin(served, {
      requestId: caller.id,
      traceparent: formatTraceParent(caller.trace),
      limits: served.limits,
      wallMs: Math.min(served.limits.wallMs, Math.max(0, caller.deadline - Date.now())),
      caller: signal === undefined ? caller.signal : AbortSignal.any([caller.signal, signal]),
      depth,
      calledBy: caller,
    }, next);
    const path = request.pathWithQuery.replace(/\?.*$/s, "");
    const label = () =>
      signal === undefined
        ? `${request.method} http://${served.name}.internal${path}`
        : `${request.method} ${path} behind ${caller.function}`;
    return await withTask(task, async () => {
      try {
        const exchange = await this.#start(served, request, task, caller);
        const response = boundedResponse(await exchange.response, task);
        if (task.ended) throw task.reason;
        const delivery = new Delivery(served.name);
        const end: Delivery["end"] = (how, reason) => {
          // Who has the whole answer may go: what the guest still does is its own.
          if (how === "closed") task.detachCaller();
          delivery.end(how, reason);
        };
        const { body } = response;
        if (body === null) end("closed");
        this.#endAfter(task, exchange.finished, delivery, { status: response.status, label });
        return body === null ? response : { ...response, body: withSource(body, tellEnd(body.source, end)) };
      } catch (thrown) {
        const error = toSkerryError(thrown, `calling ${served.name}`);
        concludeFailed(task, this.metrics, label, error);
        task.end(error);
        throw error;
      }
    });
  }

  /**
   * Calls a function that no request asks for, such as for a message or by a schedule: `run` gets a fresh isolate, in a task
   * of its own.
   *
   * @throws {SkerryError} what became of the call.
   */
  async call<T>(served: ServedFunction, options: CallOptions, run: (isolate: Isolate) => Promise<T>): Promise<T> {
    const { label, requestId, traceparent } = options;
    const task = this.#begin(served, { requestId, traceparent, limits: served.limits });
    return await withTask(task, async () => {
      try {
        const isolate = await this.#enter(served, task);
        const result = await orEnd(task, run(isolate));
        concludeDone(task, this.metrics, () => label);
        task.end();
        return result;
      } catch (thrown) {
        const error = toSkerryError(thrown, `calling ${served.name}`);
        concludeFailed(task, this.metrics, () => label, error);
        task.end(error);
        throw error;
      }
    });
  }

  #begin(
    served: ServedFunction,
    options: Omit<TaskOptions, "function">,
    next: readonly ServedFunction[] = NONE,
  ): Task {
    const { sink, record } = this.#options;
    const { requestId, traceparent, limits, wallMs, caller, depth, calledBy } = options;
    const task = new Task({
      requestId,
      traceparent,
      limits,
      wallMs,
      caller,
      depth,
      calledBy,
      function: served.name,
      sink,
      record,
      neighbours: this.#neighbours,
      next: next.length === 0 ? undefined : this.#next.bind(this, next as unknown as Chain),
    });
    this.#tasks.add(task);
    return task;
  }

  readonly #neighbours: TaskOptions["neighbours"] = async (task, name, request) => {
    const called = await this.#options.neighbour?.(name);
    if (called === undefined) {
      throw new SkerryError("route-not-found", `calling ${name}.internal: there is no function "${name}"`);
    }
    return this.#call(await gatherChain(called, this.#options.neighbour), request, task);
  };

  #next(chain: Chain, task: Task, request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    return this.#call(chain, request, task, signal ?? task.signal);
  }

  /** Calls the handler in a fresh isolate. `caller`: who asks, and has an isolate already. */
  #start(
    served: ServedFunction,
    request: HttpRequest,
    task: Task,
    caller?: Task,
  ): Exchange | Promise<Exchange> {
    const { handler } = served;
    const isolate = this.#enter(served, task, caller);
    if (!(isolate instanceof Promise)) return handler.serve(isolate, handler.interface, boundedRequest(request, task));
    enterTask();
    return isolate.then((isolate) => handler.serve(isolate, handler.interface, boundedRequest(request, task)));
  }

  /** A fresh isolate, as soon as there is a place for it. It ends with the task. */
  #enter(served: ServedFunction, task: Task, caller?: Task): Isolate | Promise<Isolate> {
    // No promise where there is a place, as there nearly always is.
    const place = this.#admission.tryEnter(served) ??
      (caller && this.#admission.tryEnterBeyond(served, caller));
    if (place !== undefined) return instantiate(served, task, place);
    enterTask();
    return this.#wait(served, task, caller).then((place) => instantiate(served, task, place));
  }

  async #wait(served: ServedFunction, task: Task, caller: Task | undefined): Promise<Place> {
    if (this.#admission.hasAll(served)) task.countLimit("isolates");
    try {
      return await this.#admission.enter(served, task.signal, caller);
    } catch (error) {
      if (error instanceof AdmissionRefusal) task.countLimit(error.limit);
      throw error;
    }
  }

  /** Ends the task when the response is sent and the guest has returned, or at the first failure of either. */
  #endAfter(task: Task, finished: Promise<void> | undefined, { over }: Delivery, ending: Ending): void {
    if (over === undefined && finished === undefined) return this.#endWell(task, ending);
    const both = over === undefined ? finished! : orEnd(task, Promise.all([over, finished]));
    both.then(() => this.#endWell(task, ending)).catch((thrown) => {
      const error = toSkerryError(thrown, "sending the response");
      concludeFailed(task, this.metrics, ending.label, error);
      task.end(error);
    });
  }

  #endWell(task: Task, { label, status }: Ending): void {
    concludeDone(task, this.metrics, label, status);
    task.end();
  }

  /** Waits for the running tasks, at most `graceMs` milliseconds; then ends those that are left. Returns how many were. */
  stop(graceMs: number): Promise<number> {
    return this.#tasks.stop(graceMs);
  }
}

/** What the log says of a task that has done all that it was to do. */
interface Ending {
  readonly status: number;
  readonly label: () => string;
}

const ignore = (): void => {};

/** Whether all of a response is there, so that its sending is over at once. */
function isWhole({ body }: HttpResponse): boolean {
  return body === null || body.source.remaining !== undefined;
}

const NONE: readonly ServedFunction[] = [];

/** An isolate at a place of its own. It ends with the task. */
function instantiate(served: ServedFunction, task: Task, place: Place): Isolate | Promise<Isolate> {
  task.place = place;
  task.memory = place.memory;
  task.defer(place.leave);
  if (task.ended) throw task.reason;
  try {
    const isolate = served.linked.instantiate();
    if (!(isolate instanceof Promise)) return isolate;
    enterTask();
    return orEnd(task, isolate.catch((thrown) => Promise.reject(startFailure(thrown, served.name))));
  } catch (thrown) {
    throw startFailure(thrown, served.name);
  }
}

/** What the log calls a request: its method, and its path without the query. */
function labelOf({ method, url }: Request): string {
  return `${method} ${url.replace(/^[^:]+:\/\/[^/?#]*/, "").replace(/[?#].*$/s, "") || "/"}`;
}
