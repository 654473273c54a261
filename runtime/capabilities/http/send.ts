/**
 * Sends a request to another server, for every WASI version.
 *
 * It speaks HTTP/1.1 by itself, because the ready-made clients were found wanting (Deno 2.9.6 and 2.5.0):
 * `fetch` decompresses what it likes, joins repeated fields, drops trailers, normalises the path and says "error sending
 * request" for most failures; `node:http` keeps all of that apart, but sends a POST again by itself when a kept
 * connection had closed, and on 2.5 ends the whole process when a server breaks its body off. Here each request has a
 * connection of its own and is sent once, the address connected to is the one looked up and checked, and every failure has its
 * `error-code`. What is given up is HTTP/2, proxies, and the reuse of connections.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { isFieldName } from "../../http/fields.ts";
import type { HttpRequest, HttpResponse } from "../../http/message.ts";
import { afterTurn } from "../../streams/turn.ts";
import { formatTraceParent } from "../../trace.ts";
import { type ConnectionGate, NoConnection, processConnections } from "./connection_gate.ts";
import { connect, type Connection, type ConnectOptions } from "./connect.ts";
import { CallLife, stageLimit } from "./call_life.ts";
import { HttpFailure } from "./error_code.ts";
import { encodeHead, type Framing, framingOf, writeAll, writeBody } from "./http1_request.ts";
import { readHead } from "./http1_response.ts";
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
    const { firstByteTimeoutMs, caCerts, privateNetworks, lookUp } = this.#options;
    checkLine(request);
    const url = targetOf(request);
    const done = await takePlace(life);
    const timeoutMs = await this.#enterGate();
    const connection = await connect(url, { life, timeoutMs, caCerts, privateNetworks, lookUp });
    await this.#letGuestWrite();
    const framing = framingOf(request);
    const head = encodeHead(request, {
      host: url.host,
      framing,
      extra: { traceparent: formatTraceParent(this.#task.trace), "x-request-id": this.#task.id },
    });
    const written = this.#write(connection, head, framing);
    const reader = new WireReader(connection);
    const limit = stageLimit(firstByteTimeoutMs, "connection-read-timeout", () => this.#progress);
    const response = await life.within(limit, () => readHead(reader, request.method)).catch((error) => {
      throw error instanceof HttpFailure ? error : new HttpFailure(
        "connection-terminated",
        `receiving a response: ${error instanceof Error ? error.message : error}`,
      );
    });
    done();
    const body = new ResponseBody(reader, {
      framing: response.framing,
      life,
      betweenBytesTimeoutMs: this.#options.betweenBytesTimeoutMs,
      // A server may answer before it has read all; what it was sent it should get.
      onEnd: () => void written.then(() => life.end()),
    });
    const { status, fields } = response;
    return { status, fields, body: response.framing.kind === "none" ? null : body };
  }

  /** Waits for a connection of the process. Resolves to how long connecting may take then. */
  async #enterGate(): Promise<number | undefined> {
    const { life } = this;
    const { connections = processConnections, connectTimeoutMs } = this.#options;
    const leave = connections.tryEnter(this.#task.function);
    if (leave !== undefined) {
      life.onEnd(leave);
      return connectTimeoutMs;
    }
    const began = performance.now();
    const entered = () => connections.enter(this.#task.function, this.#over.signal).then((leave) => life.onEnd(leave));
    await life.within(stageLimit(connectTimeoutMs, "connection-timeout"), entered).catch((error) => {
      if (!(error instanceof NoConnection)) throw error;
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

  /** Writes the request. Resolves when there is nothing more to write, whatever the reason. */
  async #write(connection: Connection, head: Uint8Array, framing: Framing): Promise<void> {
    const { body } = this.#request;
    try {
      await writeAll(connection, head);
      this.#progress = performance.now();
      if (body === null) return;
      await writeBody(connection, body, {
        framing,
        signal: this.#over.signal,
        onProgress: () => this.#progress = performance.now(),
      });
    } catch (error) {
      // A body that its writer broke off must not look whole. But if the server takes no more, it may have said why.
      if (body?.source.state === "errored") this.life.end(error);
      else body?.source.cancel();
    }
  }
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
