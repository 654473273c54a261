/**
 * The resources `request` and `response` of `wasi:http/types` 0.3.0.
 *
 * @module
 */
import { SkerryError, WitError } from "../../errors.ts";
import type { Fields as HostFields } from "../../http/fields.ts";
import { type HttpRequest, type HttpResponse, withSource } from "../../http/message.ts";
import { contentLength } from "./body_writer.ts";
import { HttpFailure } from "./error_code.ts";
import { isAuthority, isPathWithQuery, type Method, methodName, methodOf } from "./values.ts";
import { type Scheme, schemeName, schemeOf } from "./values.ts";
import { type Consumed, type Contents, GuestContents, ReceivedContents, type Transmission } from "./p3_contents.ts";
import { Fields, RequestOptions, type Timeouts } from "./p3_fields.ts";
import { withError } from "./p3_source.ts";

function refuse(): never {
  throw new WitError();
}

interface RequestHead {
  readonly method: string;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly pathWithQuery: string | undefined;
}

const NEW_REQUEST: RequestHead = {
  method: "GET",
  scheme: undefined,
  authority: undefined,
  pathWithQuery: undefined,
};

/** A request to this function, or one that it sends. */
export class Request {
  readonly #fields: HostFields;
  readonly #contents: Contents;
  readonly #timeouts: Timeouts | undefined;
  #head: RequestHead;
  #used = false;

  constructor(head: RequestHead, fields: HostFields, contents: Contents, timeouts?: Timeouts) {
    this.#head = head;
    this.#fields = fields;
    this.#contents = contents;
    this.#timeouts = timeouts;
  }

  static new(
    headers: Fields,
    contents: unknown,
    trailers: unknown,
    options: RequestOptions | undefined,
  ): [Request, Promise<Transmission>] {
    const guest = new GuestContents("request", contents, trailers);
    const timeouts = options && RequestOptions.seal(options);
    return [new Request(NEW_REQUEST, Fields.seal(headers), guest, timeouts), guest.transmission];
  }

  /** A request that the host has received. */
  static received(request: HttpRequest): Request {
    const { method, scheme, authority, pathWithQuery } = request;
    return new Request(
      { method, scheme, authority, pathWithQuery },
      request.fields.freeze(),
      new ReceivedContents(request.body),
    );
  }

  static timeouts(request: Request): Timeouts | undefined {
    return request.#timeouts;
  }

  /**
   * The request as the host sends it.
   *
   * @param otherwise Where it goes if it does not say.
   * @throws {HttpFailure} when it goes nowhere, or its `content-length` is no number.
   */
  static send(request: Request, otherwise?: Pick<HttpRequest, "scheme" | "authority">): HttpRequest {
    const { method, pathWithQuery } = request.#head;
    const { scheme = otherwise?.scheme, authority = otherwise?.authority } = request.#head;
    if (authority === undefined || authority === "") {
      throw new HttpFailure("HTTP-request-URI-invalid", "sending a request: it has no authority");
    }
    const path = pathWithQuery ?? "/";
    const length = contentLength(request.#fields);
    request.#used = true;
    const body = request.#contents.send({ length });
    if (body === null && length) {
      throw new HttpFailure(
        { tag: "HTTP-request-body-size", val: 0n },
        `sending a request: content-length is ${length}, but there is no body`,
      );
    }
    return {
      method,
      scheme: scheme ?? "https",
      authority,
      pathWithQuery: path.startsWith("/") || path === "*" ? path : `/${path}`,
      fields: request.#fields,
      body,
    };
  }

  /** Tells the guest how sending went, where its body has not told already. */
  static transmitted(request: Request, result: Transmission): void {
    const contents = request.#contents;
    if (contents instanceof GuestContents) contents.transmitted(result);
  }

  static consumeBody(request: Request, verdict: unknown): Consumed {
    request.#used = true;
    return request.#contents.consume(verdict);
  }

  getMethod(): Method {
    return methodOf(this.#head.method);
  }

  setMethod(method: Method): void {
    this.#change({ method: methodName(method) ?? refuse() });
  }

  getPathWithQuery(): string | undefined {
    return this.#head.pathWithQuery;
  }

  setPathWithQuery(pathWithQuery: string | undefined): void {
    if (pathWithQuery !== undefined && !isPathWithQuery(pathWithQuery)) refuse();
    this.#change({ pathWithQuery });
  }

  getScheme(): Scheme | undefined {
    const { scheme } = this.#head;
    return scheme === undefined ? undefined : schemeOf(scheme);
  }

  setScheme(scheme: Scheme | undefined): void {
    this.#change({ scheme: scheme === undefined ? undefined : schemeName(scheme) ?? refuse() });
  }

  getAuthority(): string | undefined {
    return this.#head.authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !isAuthority(authority)) refuse();
    this.#change({ authority });
  }

  getOptions(): RequestOptions | undefined {
    return this.#timeouts && RequestOptions.sealed(this.#timeouts);
  }

  getHeaders(): Fields {
    return new Fields(this.#fields);
  }

  #change(change: Partial<RequestHead>): void {
    this.#head = { ...this.#head, ...change };
  }

  [Symbol.dispose](): void {
    if (!this.#used) this.#contents.drop();
  }
}

function brokenOff(error: unknown): unknown {
  if (!(error instanceof HttpFailure)) return error;
  const message = `passing a response on: ${error.message}`;
  return new SkerryError("guest-response-incomplete", message, { cause: error });
}

/** Statuses whose `content-length` speaks of a body that is not there: RFC 9110, section 8.6. */
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

/** A response of this function, or one to a request of it. */
export class Response {
  readonly #fields: HostFields;
  readonly #contents: Contents;
  #status: number;
  #used = false;

  constructor(status: number, fields: HostFields, contents: Contents) {
    this.#status = status;
    this.#fields = fields;
    this.#contents = contents;
  }

  static new(headers: Fields, contents: unknown, trailers: unknown): [Response, Promise<Transmission>] {
    const guest = new GuestContents("response", contents, trailers);
    return [new Response(200, Fields.seal(headers), guest), guest.transmission];
  }

  /** A response that the host has received. */
  static received(response: HttpResponse): Response {
    return new Response(response.status, response.fields.freeze(), new ReceivedContents(response.body));
  }

  /**
   * The response to a request with `method`, as the host sends it, and the guest's part in it.
   *
   * @throws {HttpFailure} when its `content-length` is no number, or speaks of a body where there is none.
   */
  static send(response: Response, method: string): { response: HttpResponse; guest: GuestContents | undefined } {
    const contents = response.#contents;
    const announced = contentLength(response.#fields);
    const length = method === "HEAD" || NO_BODY.has(response.#status) ? undefined : announced;
    response.#used = true;
    const body = contents.send({ length });
    if (body === null && length !== undefined && length > 0) {
      throw new HttpFailure("HTTP-protocol-error", `content-length is ${length}, but there is no body`);
    }
    const head = { status: response.#status, fields: response.#fields };
    if (contents instanceof GuestContents) return { response: { ...head, body }, guest: contents };
    // A response that came from elsewhere, passed on: to our own server its failure is the function's.
    const passedOn = body && withSource(body, withError(body.source, (error) => brokenOff(error)));
    return { response: { ...head, body: passedOn }, guest: undefined };
  }

  static consumeBody(response: Response, verdict: unknown): Consumed {
    response.#used = true;
    return response.#contents.consume(verdict);
  }

  getStatusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 599) refuse();
    this.#status = status;
  }

  getHeaders(): Fields {
    return new Fields(this.#fields);
  }

  [Symbol.dispose](): void {
    if (!this.#used) this.#contents.drop();
  }
}
