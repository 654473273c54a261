/**
 * From a Web request to an isolate and back: task → isolate → response.
 *
 * @module
 */
import { type Admission, AdmissionRefusal, type Place, processAdmission } from "./admission.ts";
import { boundedRequest, boundedResponse } from "./bounds.ts";
import { Callers } from "./callers.ts";
import { serveP2 } from "./capabilities/http/serve_p2.ts";
import { serveP3 } from "./capabilities/http/serve_p3.ts";
import { withTask } from "./context.ts";
import type { ImportedInterface, InterfaceName, Isolate, LinkedComponent, LoadedComponent } from "./engine/mod.ts";
import { SkerryError, toSkerryError } from "./errors.ts";
import { type Exchange, type HttpRequest, type HttpResponse, withSource } from "./http/message.ts";
import { receiveRequest, type SendOptions, sendResponse } from "./http/web.ts";
import { type Limits, MAX_CALL_DEPTH } from "./limits.ts";
import type { LogSink } from "./log.ts";
import type { MemoryNeed } from "./memory.ts";
import { Metrics } from "./metrics.ts";
import { concludeDone, concludeFailed } from "./outcome.ts";
import { tellEnd } from "./streams/bytes.ts";
import { Task, type TaskOptions } from "./task.ts";
import { formatTraceParent } from "./trace.ts";
import { Usage } from "./usage.ts";

/** A function, linked and ready to serve. */
export interface ServedFunction {
  readonly name: string;
  /** The functions in front of it, outermost first, by name; none if left out. */
  readonly middleware?: readonly string[];
  /** Whether it can stand in front of others. Default: false. */
  readonly handsOn?: boolean;
  /** What its component imports, and what it was granted, for who asks about it. */
  readonly imports?: readonly ImportedInterface[];
  readonly granted?: readonly string[];
  readonly linked: LinkedComponent;
  readonly handler: Handler;
  readonly limits: Limits;
  /** What an isolate has from the start, as far as the engine knows. */
  readonly memory?: MemoryNeed;
}

/** A call that no request asks for. */
export interface CallOptions {
  /** What it is for, in the log: `queue orders`. */
  readonly label: string;
  /** The task's id. */
  readonly requestId?: string | undefined;
  /** The trace that the call goes on with. */
  readonly traceparent?: string | undefined;
}

/** The HTTP handler that a component exports. */
export interface Handler {
  readonly interface: InterfaceName;
  readonly serve: (
    isolate: Isolate,
    interfaceName: InterfaceName,
    request: HttpRequest,
  ) => Exchange;
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

/** Functions that a request goes through, the outermost first. */
type Chain = readonly [ServedFunction, ...ServedFunction[]];

/** How the sending of a response goes. */
class Delivery {
  readonly #name: string;
  #closed = false;
  #over: PromiseWithResolvers<void> | undefined;

  /** @param name the function's */
  constructor(name: string) {
    this.#name = name;
  }

  /** To be called once, when the response's body has ended. */
  readonly end: SendOptions["onEnd"] = (how, reason) => {
    if (how === "closed") {
      this.#closed = true;
      return this.#over?.resolve();
    }
    this.#resolvers.reject(
      how === "cancelled"
        ? new SkerryError("caller-gone", `serving ${this.#name}: the caller has left`)
        : toSkerryError(reason, `sending the response of ${this.#name}`),
    );
  };

  /** Settles when the body has ended; `undefined` when it has done so in good order already. */
  get over(): Promise<void> | undefined {
    return this.#closed ? undefined : this.#resolvers.promise;
  }

  get #resolvers(): PromiseWithResolvers<void> {
    return this.#over ??= Promise.withResolvers();
  }
}

export interface DispatcherOptions {
  readonly sink: LogSink;
  /** Whose places isolates take. Default: those of the process. */
  readonly admission?: Admission;
  /** Keep each task's log and host calls, for an error page. */
  readonly record?: boolean;
  /** The function that `http://NAME.internal` is. */
  readonly neighbour?: (name: string) => Promise<ServedFunction> | undefined;
}

const HANDLERS: readonly [prefix: string, serve: Handler["serve"]][] = [
  ["wasi:http/incoming-handler@0.2.", serveP2],
  ["wasi:http/handler@0.3.", serveP3],
];

/**
 * The handler that `component` exports.
 *
 * @throws {SkerryError} `component-no-handler`.
 */
export function findHandler(
  component: Pick<LoadedComponent, "exports">,
  name: string,
): Handler {
  for (const [prefix, serve] of HANDLERS) {
    const found = component.exports.find((exported) => exported.startsWith(prefix));
    if (found !== undefined) return { interface: found, serve };
  }
  throw new SkerryError(
    "component-no-handler",
    `loading ${name}: it exports ${
      component.exports.join(", ") || "nothing"
    }, but serving HTTP needs wasi:http/incoming-handler@0.2.x or wasi:http/handler@0.3.0. ` +
      "Build it for the world wasi:http/proxy (0.2) or wasi:http/service (0.3).",
  );
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
  readonly #tasks = new Set<Task>();
  readonly #callers = new Callers();
  #idle: (() => void)[] = [];

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
  get tasks(): ReadonlySet<Task> {
    return this.#tasks;
  }

  /** Serves one request. Never rejects: a failure becomes a response through `failed`. */
  dispatch(served: ServedFunction, request: Request, failed: FailureResponse): Promise<Response> {
    const front = served.middleware;
    if (front === undefined || front.length === 0) return this.#dispatch([served], request, failed);
    return this.#chain(served).then(
      (chain) => this.#dispatch(chain, request, failed),
      (thrown) => failed({ error: toSkerryError(thrown, `serving ${served.name}`), task: null, request }),
    );
  }

  #dispatch([served, ...next]: Chain, request: Request, failed: FailureResponse): Promise<Response> {
    const { headers } = request;
    const task = this.#begin(served, {
      requestId: headers.get("x-request-id"),
      traceparent: headers.get("traceparent"),
      limits: served.limits,
    }, next);
    return withTask(task, () => this.#serve(served, request, failed, task));
  }

  /**
   * All that a request to `served` goes through, as it is now. What stands in front of a function is never left out.
   *
   * @throws {SkerryError} `function-broken`, when one of them is not there.
   */
  async #chain(served: ServedFunction): Promise<Chain> {
    const front: ServedFunction[] = [];
    await this.#gather(served, front, 0);
    return [...front, served] as unknown as Chain;
  }

  async #gather(served: ServedFunction, front: ServedFunction[], depth: number): Promise<void> {
    if (depth > MAX_CALL_DEPTH || front.length > MAX_CALL_DEPTH) {
      throw new SkerryError("loop-detected", `serving ${served.name}: there is more in front of it than can be`);
    }
    for (const name of served.middleware ?? []) {
      const found = await this.#options.neighbour?.(name);
      if (found?.handsOn !== true) {
        const wrong = found === undefined ? "there is no such function" : "it hands no request on";
        throw new SkerryError("function-broken", `serving ${served.name}: it has ${name} in front of it, but ${wrong}`);
      }
      await this.#gather(found, front, depth + 1);
      front.push(found);
    }
  }

  async #serve(
    served: ServedFunction,
    request: Request,
    failed: FailureResponse,
    task: Task,
  ): Promise<Response> {
    const { method, url } = request;
    const label = () => `${method} ${pathOf(url)}`;
    this.#callers.watch(task, request);
    try {
      const exchange = await this.#start(served, receiveRequest(request, served.limits), task);
      const answer = boundedResponse(await exchange.response, task);
      if (task.ended) throw task.reason;
      this.#callers.forget(task);
      const delivery = new Delivery(served.name);
      const response = sendResponse(answer, {
        method,
        requestId: task.id,
        signal: () => task.signal,
        onEnd: delivery.end,
      });
      this.#endAfter(task, exchange.finished, delivery, { status: answer.status, label });
      return response;
    } catch (thrown) {
      this.#callers.forget(task);
      const error = toSkerryError(thrown, `serving ${served.name}`);
      concludeFailed(task, this.metrics, label, error);
      const response = failed({ error, task, request });
      task.end(error);
      if (!response.headers.has("x-request-id")) response.headers.set("x-request-id", task.id);
      return response;
    }
  }

  /**
   * Serves a request that a function sends to its neighbour in this process: a task of its own, with the caller's id and
   * trace, which ends with the caller's at the latest. Bodies and trailers pass as they are.
   *
   * @param signal Ends it as well.
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
    }, next);
    const label = () =>
      `${request.method} http://${served.name}.internal${request.pathWithQuery.replace(/\?.*$/s, "")}`;
    return await withTask(task, async () => {
      try {
        const exchange = await this.#start(served, request, task);
        const response = boundedResponse(await exchange.response, task);
        if (task.ended) throw task.reason;
        const delivery = new Delivery(served.name);
        const { body } = response;
        if (body === null) delivery.end("closed");
        this.#endAfter(task, exchange.finished, delivery, { status: response.status, label });
        return body === null ? response : { ...response, body: withSource(body, tellEnd(body.source, delivery.end)) };
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
    next: readonly ServedFunction[] = [],
  ): Task {
    const { sink, record, neighbour } = this.#options;
    const task: Task = new Task({
      ...options,
      function: served.name,
      sink,
      record: record ?? false,
      callNeighbour: async (name, request) => {
        const called = await neighbour?.(name);
        if (called === undefined) {
          throw new SkerryError("route-not-found", `calling ${name}.internal: there is no function "${name}"`);
        }
        return this.#call(await this.#chain(called), request, task);
      },
      ...(next.length === 0 ? {} : {
        callNext: (request, signal) => this.#call(next as unknown as Chain, request, task, signal),
      }),
    });
    this.#tasks.add(task);
    task.defer(() => {
      this.#tasks.delete(task);
      this.usage?.add(task);
      if (this.#tasks.size === 0) { for (const idle of this.#idle.splice(0)) idle(); }
    });
    return task;
  }

  /** Calls the handler in a fresh isolate. */
  async #start(served: ServedFunction, request: HttpRequest, task: Task): Promise<Exchange> {
    const isolate = await this.#enter(served, task);
    return served.handler.serve(isolate, served.handler.interface, boundedRequest(request, task));
  }

  /** A fresh isolate, as soon as there is a place for it. It ends with the task. */
  async #enter(served: ServedFunction, task: Task): Promise<Isolate> {
    // No promise where there is a place, as there nearly always is.
    const place = this.#admission.tryEnter(served) ?? await this.#wait(served, task);
    task.memory = place.memory;
    task.defer(place.leave);
    const isolate = await orEnd(task, served.linked.instantiate());
    task.defer(() => isolate.dispose());
    return isolate;
  }

  async #wait(served: ServedFunction, task: Task): Promise<Place> {
    if (this.#admission.hasAll(served)) task.countLimit("isolates");
    try {
      return await this.#admission.enter(served, task.signal);
    } catch (error) {
      if (error instanceof AdmissionRefusal) task.countLimit(error.limit);
      throw error;
    }
  }

  /** Ends the task when the response is sent and the guest has returned, or at the first failure of either. */
  async #endAfter(
    task: Task,
    finished: Promise<void>,
    { over }: Delivery,
    { status, label }: { readonly status: number; readonly label: () => string },
  ): Promise<void> {
    try {
      await (over === undefined ? finished : orEnd(task, Promise.all([over, finished])));
      concludeDone(task, this.metrics, label, status);
      task.end();
    } catch (thrown) {
      const error = toSkerryError(thrown, "sending the response");
      concludeFailed(task, this.metrics, label, error);
      task.end(error);
    }
  }

  /** Waits for the running tasks, at most `graceMs` milliseconds; then ends those that are left. Returns how many were. */
  async stop(graceMs: number): Promise<number> {
    if (this.#tasks.size === 0) return 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    const timer = setTimeout(resolve, graceMs);
    await promise;
    clearTimeout(timer);
    const left = [...this.#tasks];
    for (const task of left) {
      task.end(
        new SkerryError(
          "server-stopping",
          `stopping the server: ${task.function} ran on after ${graceMs} ms`,
        ),
      );
    }
    return left.length;
  }
}

/** `promise`, or a rejection with the reason why the task ended before. */
function orEnd<T>(task: Task, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const forget = task.defer(() => reject(task.reason));
    promise.then(
      (value) => {
        forget();
        resolve(value);
      },
      (error) => {
        forget();
        reject(error);
      },
    );
  });
}

function pathOf(url: string): string {
  return url.replace(/^[^:]+:\/\/[^/?#]*/, "").replace(/[?#].*$/s, "") || "/";
}
