/**
 * The resources of `wasi:http/types` 0.2 that a guest receives: requests, responses, their bodies and trailers.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import type { Fields as HostFields } from "../../http/fields.ts";
import type { Body, HttpRequest, HttpResponse } from "../../http/message.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { emptySource } from "../../streams/bytes.ts";
import { InputStream, type Pollable, trap } from "../../streams/p2/mod.ts";
import { waitAny } from "../../streams/waitable.ts";
import { type ErrorCode, errorCodeOf, HttpFailure, type Result } from "./error_code.ts";
import { Fields } from "./p2_fields.ts";
import { FutureResult } from "./p2_future.ts";
import { type Method, methodOf, type Scheme, schemeOf } from "./values.ts";

const noBody: Body = Object.freeze({ source: emptySource, trailers: Promise.resolve(undefined) });

/** What a body's error is to the guest, when it has no `error-code` of its own: its peer has gone. */
const TERMINATED: ErrorCode = { tag: "connection-terminated" };

/** A request to this function. */
export class IncomingRequest {
  readonly #request: HttpRequest;
  #consumed = false;

  constructor(request: HttpRequest) {
    this.#request = request;
  }

  method(): Method {
    return methodOf(this.#request.method);
  }

  pathWithQuery(): string | undefined {
    return this.#request.pathWithQuery;
  }

  scheme(): Scheme | undefined {
    return schemeOf(this.#request.scheme);
  }

  authority(): string | undefined {
    return this.#request.authority;
  }

  headers(): Fields {
    return new Fields(this.#request.fields.freeze());
  }

  consume(): IncomingBody {
    if (this.#consumed) throw new WitError();
    this.#consumed = true;
    return new IncomingBody(this.#request.body);
  }

  [Symbol.dispose](): void {
    if (!this.#consumed) this.#request.body?.source.cancel();
  }
}

/** A response to a request of this function. */
export class IncomingResponse {
  readonly #response: HttpResponse;
  #consumed = false;

  constructor(response: HttpResponse) {
    this.#response = response;
  }

  status(): number {
    return this.#response.status;
  }

  headers(): Fields {
    return new Fields(this.#response.fields.freeze());
  }

  consume(): IncomingBody {
    if (this.#consumed) throw new WitError();
    this.#consumed = true;
    return new IncomingBody(this.#response.body);
  }

  [Symbol.dispose](): void {
    if (!this.#consumed) this.#response.body?.source.cancel();
  }
}

/** A body that a guest reads once. Dropped without `finish`, the rest of it is not wanted. */
export class IncomingBody {
  readonly #body: Body;
  #stream: "unread" | "alive" | "dropped" = "unread";
  #finished = false;

  constructor(body: Body | null) {
    this.#body = body ?? noBody;
  }

  stream(): InputStream {
    if (this.#stream !== "unread") throw new WitError();
    this.#stream = "alive";
    // Dropping the stream leaves the body: its trailers may still be wanted.
    return new InputStream(this.#body.source, {
      onDrop: () => this.#stream = "dropped",
      failure: (error) => error instanceof HttpFailure ? error : new HttpFailure(TERMINATED),
    });
  }

  static finish(body: IncomingBody): FutureTrailers {
    if (body.#stream === "alive") {
      throw trap("wasi:http/types#[static]incoming-body.finish", "the body's stream has not been dropped");
    }
    body.#finished = true;
    return new FutureTrailers(body.#body);
  }

  [Symbol.dispose](): void {
    if (!this.#finished) this.#body.source.cancel();
  }
}

type TrailersResult = Result<Fields | undefined, ErrorCode>;

/**
 * The trailers of a body, once all of it has been received. What was left unread is received and forgotten, when
 * somebody asks.
 */
export class FutureTrailers {
  readonly #body: Body;
  readonly #result = new FutureResult<TrailersResult>();
  #started = false;

  constructor(body: Body) {
    this.#body = body;
  }

  subscribe(): Pollable {
    this.#start();
    return this.#result.pollable();
  }

  get(): Result<TrailersResult, undefined> | undefined {
    this.#start();
    return this.#result.take();
  }

  [Symbol.dispose](): void {
    if (!this.#result.ready) this.#body.source.cancel();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#receive().then((fields): TrailersResult => {
      return { tag: "ok", val: fields === undefined ? undefined : new Fields(fields.freeze()) };
    }, (error): TrailersResult => {
      return { tag: "err", val: errorCodeOf(error, TERMINATED) };
    }).then((outcome) => this.#result.settle(outcome));
  }

  async #receive(): Promise<HostFields | undefined> {
    const { source, trailers } = this.#body;
    const { signal } = currentTask();
    while (source.state === "open") {
      if (source.take(MAX_READ_BYTES).byteLength === 0) await waitAny([source], signal);
    }
    if (source.state === "errored") throw source.error;
    return await trailers;
  }
}
