/**
 * Sends a request to another server, for every WASI version.
 *
 * It speaks HTTP/1.1 by itself, because the ready-made clients were found wanting (Deno 2.9.6 and 2.5.0):
 * `fetch` decompresses what it likes, joins repeated fields, drops trailers, normalises the path and says "error sending
 * request" for most failures; `node:http` keeps all of that apart, but sends a POST again by itself when a kept
 * connection had closed, and on 2.5 ends the whole process when a server breaks its body off. undici keeps connections for the
 * whole process, whoever asks. Here the address connected to is the one looked up and checked, every failure has its
 * `error-code`, and a request is sent once. It has a connection of its own; only where one would cost a handshake of TLS, most
 * of a small request's time, does it take one that the same task has used for the same origin, and only if it can be sent
 * again when that turns out to be closed. What is given up is HTTP/2, proxies, and connections that are kept for others.
 *
 * @module
 */
import { currentTask, withTask } from "../../context.ts";
import { isFieldName } from "../../http/fields.ts";
import type { HttpRequest, HttpResponse } from "../../http/message.ts";
import { afterTurn } from "../../streams/turn.ts";
import { formatTraceParent } from "../../trace.ts";
import { type ConnectionGate, NoConnection, processConnections } from "./connection_gate.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { CallLife, stageLimit } from "./call_life.ts";
import { HttpFailure } from "./error_code.ts";
import { encodeHead, type Framing, framingOf, writeAll, writeBody } from "./http1_request.ts";
import { readHead, type ResponseHead } from "./http1_response.ts";
import { keep, takeKept } from "./kept.ts";
import { isAuthority, isPathWithQuery } from "./values.ts";
import { takePlace } from "./places.ts";
import { ResponseBody } from "./response_body.ts";
import { WireReader } from "./wire_reader.ts";

/** How to send a request. Times in milliseconds; none means until the task's deadline. */
export interface SendOptions extends Pick<ConnectOptions, "caCerts" | "privateNetworks" | "lookUp"> {
  /** To look up, connect and secure the connection. */
  readonly connectTimeoutMs?: number | undefined;
  /** From the last byte sent to the response's head. */
  readonly firstByteTimeoutMs?: number | undefined;
  /** Between any two parts of the response's body, while somebody waits for it. */
  readonly betweenBytesTimeoutMs?: number | undefined;
  /** Whose connection it takes; of the process if left out. */
  readonly connections?: ConnectionGate | undefined;
  /** Calls the request off, at whatever stage. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The absolute URL whose host `request` goes to: scheme, host and port normalised, without the path.
 *
 * @throws {HttpFailure} `HTTP-request-URI-invalid`, or `HTTP-protocol-error` for a scheme that is not HTTP.
 */
export function targetOf(request: HttpRequest): URL {
  const { scheme, authority } = request;
  if (scheme !== "http" && scheme !== "https") {
    throw new HttpFailure("HTTP-protocol-error", `sending a request: there is no way to speak ${scheme}`);
  }
  const url = URL.parse(`${scheme}://${authority}`);
  if (url === null || !isAuthority(authority) || url.port === "0") {
    throw new HttpFailure(
      "HTTP-request-URI-invalid",
      `sending a request: its authority is ${JSON.stringify(authority)}`,
    );
  }
  return url;
}

/**
 * Sends `request` and resolves to the response's head with its body still to come. Carries the task's `traceparent` and
 * `x-request-id` unless the request has its own, and ends with the task. Whether it is allowed is asked before.
 *
 * @throws {HttpFailure} with the `error-code`.
 */
export async function sendRequest(request: HttpRequest, options: SendOptions = {}): Promise<HttpResponse> {
  const call = new Call(request, options);
  try {
    return await call.run();
  } catch (error) {
    call.life.end(error);
    throw call.life.failure ?? error;
  }
}

class Call {
  readonly life = new CallLife();
  readonly #request: HttpRequest;
  readonly #options: SendOptions;
  readonly #task = currentTask();
  /** Aborts with the life, for what waits on the request's body. */
  readonly #over = new AbortController();
  /** When something was written last. */
  #progress = performance.now();

  constructor(request: HttpRequest, options: SendOptions) {
    this.#request = request;
    this.#options = options;
    const { life } = this;
    const { signal } = options;
    const cancelled = () => life.end(new HttpFailure("connection-terminated", "sending a request: it was called off"));
    life.onEnd(this.#task.defer(cancelled));
    signal?.addEventListener("abort", cancelled);
    life.onEnd(() => signal?.removeEventListener("abort", cancelled));
    life.onEnd(() => {
      this.#over.abort();
      request.body?.source.cancel();
    });
    if (signal?.aborted) cancelled();
  }

  async run(): Promise<HttpResponse> {
    const { life } = this;
    const request = this.#request;
    const { firstByteTimeoutMs, connections = processConnections } = this.#options;
    checkLine(request);
    const url = targetOf(request);
    const done = await takePlace(life);
    const isSecure = url.protocol === "https:";
    const key = keyOf(url, this.#options);
    let kept = isSecure && isRepeatable(request) ? takeKept(key) : undefined;
    while (true) {
      const held = kept ?? { connection: undefined, life: new CallLife() };
      // Whatever ends the request ends its connection.
      const letGo = life.onEnd((failure) => held.life.end(failure));
      const connection = held.connection ?? await this.#connect(url, held.life);
      await this.#letGuestWrite();
      const framing = framingOf(request);
      const head = encodeHead(request, {
        host: url.host,
        framing,
        extra: { traceparent: formatTraceParent(this.#task.trace), "x-request-id": this.#task.id },
        keep: isSecure,
      });
      const written = this.#write(connection, head, framing);
      const reader = new WireReader(connection);
      const limit = stageLimit(firstByteTimeoutMs, "connection-read-timeout", () => this.#progress);
      let response: ResponseHead;
      try {
        response = await life.within(limit, () => readHead(reader, request.method));
      } catch (error) {
        if (kept !== undefined && !reader.started && !life.over) {
          // The server closed it while nobody used it: what was sent over it has been read by nobody.
          letGo();
          kept.life.end();
          kept = undefined;
          continue;
        }
        throw error instanceof HttpFailure ? error : new HttpFailure(
          "connection-terminated",
          `receiving a response: ${error instanceof Error ? error.message : error}`,
        );
      }
      done();
      const { status, fields } = response;
      const body = new ResponseBody(reader, {
        framing: response.framing,
        life,
        betweenBytesTimeoutMs: this.#options.betweenBytesTimeoutMs,
        // A server may answer before it has read all; what it was sent it should get.
        onEnd: () =>
          void written.then((whole) => {
            if (isSecure && whole && response.keeps && reader.isEmpty && connection.isQuiet === true && !life.over) {
              letGo();
              // Who reads the last of a body may be another task: the one that called this one.
              withTask(this.#task, () => keep(key, { connection, life: held.life }, connections));
            }
            life.end();
          }),
      });
      return { status, fields, body: response.framing.kind === "none" ? null : body };
    }
  }

  /** Connects, as soon as there is a connection to be had of the process. It closes when `held` ends. */
  async #connect(url: URL, held: CallLife): Promise<Connection> {
    const { caCerts, privateNetworks, lookUp } = this.#options;
    const timeoutMs = await this.#enterGate(held);
    return await connect(url, { life: held, timeoutMs, caCerts, privateNetworks, lookUp });
  }

  /** Waits for a connection of the process. Resolves to how long connecting may take then. */
  async #enterGate(held: CallLife): Promise<number | undefined> {
    const { connections = processConnections, connectTimeoutMs } = this.#options;
    const leave = connections.tryEnter(this.#task.function);
    if (leave !== undefined) {
      held.onEnd(leave);
      return connectTimeoutMs;
    }
    const began = performance.now();
    const entered = () => connections.enter(this.#task.function, this.#over.signal).then((leave) => held.onEnd(leave));
    await held.within(stageLimit(connectTimeoutMs, "connection-timeout"), entered).catch((error) => {
      if (!(error instanceof NoConnection)) throw error;
      this.#task.countLimit("process.connections");
      this.#task.log("warn", `sending a request: ${error.message}`);
      throw new HttpFailure("connection-limit-reached", `sending a request: ${error.message}`);
    });
    return connectTimeoutMs === undefined ? undefined : connectTimeoutMs - (performance.now() - began);
  }

  /** A guest that writes its body right after the call has mostly ended it by now; otherwise it gets a turn to. */
  async #letGuestWrite(): Promise<void> {
    const source = this.#request.body?.source;
    if (source?.state === "open" && source.remaining === undefined) {
      await this.life.within(undefined, () => new Promise<void>((done) => void afterTurn(done)));
    }
    if (source?.state === "errored") throw source.error;
  }

  /** Writes the request. Resolves when there is nothing more to write, whatever the reason: to whether all was written. */
  async #write(connection: Connection, head: Uint8Array, framing: Framing): Promise<boolean> {
    const { body } = this.#request;
    try {
      await writeAll(connection, head);
      this.#progress = performance.now();
      if (body === null) return true;
      await writeBody(connection, body, {
        framing,
        signal: this.#over.signal,
        onProgress: () => this.#progress = performance.now(),
      });
      return true;
    } catch (error) {
      // A body that its writer broke off must not look whole. But if the server takes no more, it may have said why.
      if (body?.source.state === "errored") this.life.end(error);
      else body?.source.cancel();
      return false;
    }
  }
}

/** What a connection has to have in common with a request that is sent over it. */
function keyOf({ origin }: URL, { privateNetworks, caCerts }: SendOptions): string {
  return JSON.stringify([origin, privateNetworks === true, caCerts ?? null]);
}

/** Whether `request` may be sent again when its connection turns out to be closed: it changes nothing, and has no body. */
function isRepeatable({ method, body }: HttpRequest): boolean {
  return body === null && (method === "GET" || method === "HEAD" || method === "OPTIONS");
}

/** What reaches the request line has been checked by whoever made the request; a line end in it would be a second request. */
function checkLine({ method, pathWithQuery }: HttpRequest): void {
  if (!isFieldName(method) || method === "CONNECT") {
    throw new HttpFailure("HTTP-request-method-invalid", `sending a request: its method is ${JSON.stringify(method)}`);
  }
  if (!isPathWithQuery(pathWithQuery) || !/^[/*]/.test(pathWithQuery)) {
    throw new HttpFailure(
      "HTTP-request-URI-invalid",
      `sending a request: its path is ${JSON.stringify(pathWithQuery)}`,
    );
  }
}
