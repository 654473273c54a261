/**
 * The resources of `wasi:http/types` 0.2 that a guest makes: requests, responses, and their bodies.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { SkerryError, WitError } from "../../errors.ts";
import type { Fields as HostFields } from "../../http/fields.ts";
import type { HttpRequest } from "../../http/message.ts";
import { bodyHasFailed } from "../../streams/failed_body.ts";
import { openCount } from "../../open_count.ts";
import { OutputStream, trap } from "../../streams/p2/mod.ts";
import { taskLocal } from "../../task.ts";
import { BodyWriter, contentLength } from "./body_writer.ts";
import { HttpFailure } from "./error_code.ts";
import { Fields } from "./p2_fields.ts";
import { isAuthority, isPathWithQuery, type Method, methodName, methodOf } from "./values.ts";
import { type Scheme, schemeName, schemeOf } from "./values.ts";

/** The request that the task answers; `HEAD` makes a difference to its response. */
export const incoming: () => { method: string } = taskLocal(() => ({ method: "" }));

/** The guest dropped a body that it had not finished, or its own stream for it failed. */
const brokenOff = (kind: string) =>
  new SkerryError("guest-response-incomplete", `writing a ${kind} body: the guest gave it up unfinished`);

/** Bodies of messages that the guest still holds: the host may have as many buffers for it. */
const takeBody = openCount();

/** Counts a body until the returned function is called, which may happen more than once. */
function countBody(): () => void {
  const task = currentTask();
  return takeBody(task.limits.streams, () => {
    task.meet("streams", "a body");
    return new WitError();
  });
}

/** Takes `length` from fields, where a wrong one is for the guest to hear. */
function announcedLength(fields: HostFields): number | undefined {
  try {
    return contentLength(fields);
  } catch (error) {
    throw error instanceof HttpFailure ? new WitError() : error;
  }
}

/** A request that this function sends. */
export class OutgoingRequest {
  readonly #fields: HostFields;
  #method = "GET";
  #scheme: string | undefined;
  #authority: string | undefined;
  #pathWithQuery: string | undefined;
  #writer: BodyWriter | undefined;
  #uncount: (() => void) | undefined;

  constructor(headers: Fields) {
    this.#fields = Fields.hostFields(headers).freeze();
  }

  /**
   * The request as the host sends it.
   *
   * @throws {HttpFailure} `HTTP-request-URI-invalid` when it goes nowhere.
   */
  static hostRequest(request: OutgoingRequest): HttpRequest {
    const authority = request.#authority;
    if (authority === undefined || authority === "") {
      throw new HttpFailure("HTTP-request-URI-invalid", "sending a request: it has no authority");
    }
    const length = request.#writer === undefined ? contentLength(request.#fields) : undefined;
    if (length) {
      throw new HttpFailure(
        { tag: "HTTP-request-body-size", val: 0n },
        `sending a request: content-length is ${length}, but there is no body`,
      );
    }
    // From here on it counts as an outgoing request.
    request.#uncount?.();
    const path = request.#pathWithQuery ?? "/";
    return {
      method: request.#method,
      scheme: request.#scheme ?? "https",
      authority,
      pathWithQuery: path.startsWith("/") || path === "*" ? path : `/${path}`,
      fields: request.#fields,
      body: request.#writer?.body ?? null,
    };
  }

  body(): OutgoingBody {
    if (this.#writer !== undefined) throw new WitError();
    const length = announcedLength(this.#fields);
    this.#uncount = countBody();
    this.#writer = new BodyWriter({ kind: "request", length });
    return new OutgoingBody(
      this.#writer,
      () => new HttpFailure("connection-terminated", "the guest broke its body off"),
    );
  }

  method(): Method {
    return methodOf(this.#method);
  }

  setMethod(method: Method): void {
    this.#method = methodName(method) ?? refuse();
  }

  pathWithQuery(): string | undefined {
    return this.#pathWithQuery;
  }

  setPathWithQuery(pathWithQuery: string | undefined): void {
    if (pathWithQuery !== undefined && !isPathWithQuery(pathWithQuery)) refuse();
    this.#pathWithQuery = pathWithQuery;
  }

  scheme(): Scheme | undefined {
    return this.#scheme === undefined ? undefined : schemeOf(this.#scheme);
  }

  setScheme(scheme: Scheme | undefined): void {
    this.#scheme = scheme === undefined ? undefined : schemeName(scheme) ?? refuse();
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !isAuthority(authority)) refuse();
    this.#authority = authority;
  }

  headers(): Fields {
    return new Fields(this.#fields);
  }

  [Symbol.dispose](): void {
    this.#uncount?.();
  }
}

function refuse(): never {
  throw new WitError();
}

/** A response as the guest has set it. */
export interface SetResponse {
  readonly status: number;
  readonly fields: HostFields;
  /** `undefined` when the guest never asked for a body. */
  readonly writer: BodyWriter | undefined;
}

/** The response of this function. */
export class OutgoingResponse {
  readonly #fields: HostFields;
  #status = 200;
  #writer: BodyWriter | undefined;
  #uncount: (() => void) | undefined;

  constructor(headers: Fields) {
    this.#fields = Fields.hostFields(headers).freeze();
  }

  static hostResponse(response: OutgoingResponse): SetResponse {
    response.#uncount?.();
    return { status: response.#status, fields: response.#fields, writer: response.#writer };
  }

  statusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 999) refuse();
    this.#status = status;
  }

  headers(): Fields {
    return new Fields(this.#fields);
  }

  body(): OutgoingBody {
    if (this.#writer !== undefined) throw new WitError();
    const { method } = incoming();
    const length = announcedLength(this.#fields);
    this.#uncount = countBody();
    this.#writer = new BodyWriter({
      kind: "response",
      length,
      mayBeEmpty: () => method === "HEAD" || this.#status === 304,
      readerError: (cause) => new SkerryError("guest-response-incomplete", cause.message, { cause }),
    });
    return new OutgoingBody(this.#writer, () => brokenOff("response"));
  }

  [Symbol.dispose](): void {
    this.#uncount?.();
  }
}

/** A body that a guest writes once. Dropped without `finish`, it is broken off. */
export class OutgoingBody {
  readonly #writer: BodyWriter;
  readonly #dropped: () => unknown;
  #stream: "unwritten" | "alive" | "dropped" = "unwritten";

  constructor(writer: BodyWriter, dropped: () => unknown) {
    this.#writer = writer;
    this.#dropped = dropped;
  }

  write(): OutputStream {
    if (this.#stream !== "unwritten") throw new WitError();
    this.#stream = "alive";
    return new OutputStream(this.#writer.sink, () => this.#stream = "dropped");
  }

  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    if (body.#stream === "alive") {
      throw trap("wasi:http/types#[static]outgoing-body.finish", "the body's stream has not been dropped");
    }
    // The guest takes such a body for finished; whoever reads it must not.
    if (bodyHasFailed()) return body.#writer.breakOff(body.#dropped());
    body.#writer.finish(trailers === undefined ? undefined : Fields.hostFields(trailers).freeze());
  }

  [Symbol.dispose](): void {
    if (!this.#writer.ended) this.#writer.breakOff(this.#dropped());
  }
}
