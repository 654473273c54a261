/**
 * From a Web request to an isolate and back: task → isolate → response.
 *
 * @module
 */
import { serveP2 } from "./capabilities/http/serve_p2.ts";
import { serveP3 } from "./capabilities/http/serve_p3.ts";
import { withTask } from "./context.ts";
import type { InterfaceName, Isolate, LinkedComponent, LoadedComponent } from "./engine/mod.ts";
import { SkerryError, toSkerryError } from "./errors.ts";
import type { Exchange, HttpRequest } from "./http/message.ts";
import { receiveRequest, sendResponse } from "./http/web.ts";
import type { LogSink } from "./log.ts";
import { originOf } from "./stack/mod.ts";
import { Task } from "./task.ts";

/** A function, linked and ready to serve. */
export interface ServedFunction {
  readonly name: string;
  readonly linked: LinkedComponent;
  readonly handler: Handler;
  /** Wall time of one request in milliseconds. */
  readonly wallMs: number;
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

export interface DispatcherOptions {
  readonly sink: LogSink;
  /** Keep each task's log and host calls, for an error page. */
  readonly record?: boolean;
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
  readonly #options: DispatcherOptions;
  readonly #tasks = new Set<Task>();
  #idle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** The tasks that are running. */
  get tasks(): ReadonlySet<Task> {
    return this.#tasks;
  }

  /** Serves one request. Never rejects: a failure becomes a response through `failed`. */
  dispatch(
    served: ServedFunction,
    request: Request,
    failed: FailureResponse,
  ): Promise<Response> {
    const task = new Task({
      function: served.name,
      requestId: request.headers.get("x-request-id"),
      traceparent: request.headers.get("traceparent"),
      wallMs: served.wallMs,
      caller: request.signal,
      sink: this.#options.sink,
      record: this.#options.record ?? false,
    });
    this.#tasks.add(task);
    task.defer(() => {
      this.#tasks.delete(task);
      if (this.#tasks.size === 0) {
        for (const idle of this.#idle.splice(0)) idle();
      }
    });
    return withTask(task, async () => {
      let response: Response;
      try {
        response = await this.#serve(served, request, task);
      } catch (thrown) {
        const error = toSkerryError(thrown, `serving ${served.name}`);
        logFailure(task, error, request);
        response = failed({ error, task, request });
        task.end(error);
      }
      if (!response.headers.has("x-request-id")) {
        response.headers.set("x-request-id", task.id);
      }
      return response;
    });
  }

  async #serve(
    served: ServedFunction,
    request: Request,
    task: Task,
  ): Promise<Response> {
    const received = receiveRequest(request);
    const isolate = await orEnd(task, served.linked.instantiate());
    task.defer(() => isolate.dispose());
    const exchange = served.handler.serve(
      isolate,
      served.handler.interface,
      received,
    );
    // Whatever the guest does after its response must not become an unhandled rejection.
    exchange.finished.catch(() => {});
    const response = await orEnd(task, exchange.response);
    task.detachCaller();
    const sent = Promise.withResolvers<void>();
    const web = sendResponse(response, {
      method: request.method,
      signal: () => task.signal,
      onEnd: (how, reason) => {
        if (how === "closed") return sent.resolve();
        sent.reject(
          how === "cancelled"
            ? new SkerryError(
              "caller-gone",
              `serving ${served.name}: the caller has left`,
            )
            : toSkerryError(reason, `sending the response of ${served.name}`),
        );
      },
    });
    this.#endAfter(
      task,
      sent.promise,
      exchange.finished,
      request,
      response.status,
    );
    return web;
  }

  /** Ends the task when the response is sent and the guest has returned, or at the first failure of either. */
  async #endAfter(
    task: Task,
    sent: Promise<void>,
    finished: Promise<void>,
    request: Request,
    status: number,
  ) {
    try {
      await orEnd(task, Promise.all([sent, finished]));
      task.log(
        "info",
        `${request.method} ${pathOf(request)} ${status}`,
        "host",
        summary(task, status),
      );
      task.end();
    } catch (thrown) {
      const error = toSkerryError(thrown, "sending the response");
      logFailure(task, error, request);
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

function logFailure(task: Task, error: SkerryError, request: Request): void {
  const level = error.code === "caller-gone" ? "info" : "error";
  const stack = originOf(error);
  task.log(
    level,
    `${request.method} ${pathOf(request)} ${error.code}: ${error.message}`,
    "host",
    {
      ...summary(task, error.status),
      code: error.code,
      culprit: error.culprit,
      ...(stack === undefined ? {} : { stack }),
    },
  );
}

function summary(task: Task, status: number): Record<string, unknown> {
  let calls = 0;
  for (const count of task.calls.values()) calls += count;
  return { status, ms: Math.round(task.elapsedMs * 1000) / 1000, calls };
}

function pathOf(request: Request): string {
  return request.url.replace(/^[^:]+:\/\/[^/?#]*/, "").replace(
    /[?#].*$/s,
    "",
  ) || "/";
}
