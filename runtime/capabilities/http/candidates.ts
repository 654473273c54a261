/**
 * `wasi:http` as it was in two release candidates of WASI 0.2, over the same resources: 2023-10-18, and 2023-11-10.
 *
 * Where a resource differs from 0.2.0, a class here has what it had.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import type { HostInterface } from "../../engine/mod.ts";
import { type Pollable, trap } from "../../streams/p2/mod.ts";
import { describeErrorCode, type ErrorCode, errorCodeOf, type Result } from "./error_code.ts";
import { FutureIncomingResponse, RequestOptions } from "./p2_client.ts";
import { Fields } from "./p2_fields.ts";
import { FutureTrailers, IncomingBody, type IncomingResponse } from "./p2_incoming.ts";
import { OutgoingBody, OutgoingRequest, OutgoingResponse } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";
import type { Method, Scheme } from "./values.ts";

/** The trailers of a body, as the candidates gave them: without a second result around the first. */
class CandidateTrailers<T> {
  readonly #trailers: FutureTrailers;
  readonly #shape: (result: TrailersResult) => T;

  constructor(trailers: FutureTrailers, shape: (result: TrailersResult) => T) {
    this.#trailers = trailers;
    this.#shape = shape;
  }

  subscribe(): Pollable {
    return this.#trailers.subscribe();
  }

  get(): T | undefined {
    const given = this.#trailers.get();
    if (given === undefined) return undefined;
    if (given.tag === "err") throw trap("wasi:http/types#[method]future-trailers.get", "the trailers have been taken");
    return this.#shape(given.val);
  }

  [Symbol.dispose](): void {
    this.#trailers[Symbol.dispose]();
  }
}

type TrailersResult = Result<Fields | undefined, ErrorCode>;

/**
 * What a guest knows a class by: instances of `Base`, which the host makes too, with static functions of another shape, or
 * another constructor.
 */
function standIn<T extends object>(
  Base: { readonly prototype: T },
  { make, ...statics }: { make?: (...args: never[]) => T } & Record<string, unknown>,
): unknown {
  function StandIn(...args: never[]): T {
    if (make === undefined) throw new TypeError("this resource has no constructor");
    return make(...args);
  }
  StandIn.prototype = Base.prototype;
  return Object.assign(StandIn, statics);
}

const bodyOf = <T>(shape: (result: TrailersResult) => T): unknown =>
  standIn(IncomingBody, {
    finish: (body: IncomingBody) => new CandidateTrailers(IncomingBody.finish(body), shape),
  });

/** `request-options` of 2023-11-10, whose times are durations in spite of their names. */
class OptionsInMs extends RequestOptions {
  connectTimeoutMs(): bigint | undefined {
    return this.connectTimeout();
  }
  setConnectTimeoutMs(duration: bigint | undefined): void {
    this.setConnectTimeout(duration);
  }
  firstByteTimeoutMs(): bigint | undefined {
    return this.firstByteTimeout();
  }
  setFirstByteTimeoutMs(duration: bigint | undefined): void {
    this.setFirstByteTimeout(duration);
  }
  betweenBytesTimeoutMs(): bigint | undefined {
    return this.betweenBytesTimeout();
  }
  setBetweenBytesTimeoutMs(duration: bigint | undefined): void {
    this.setBetweenBytesTimeout(duration);
  }
}

/** `types` of 2023-11-10, from those of 0.2. */
const typesOfNovember = (types: HostInterface): HostInterface => ({
  ...types,
  RequestOptions: OptionsInMs,
  FutureTrailers: CandidateTrailers,
  IncomingBody: bodyOf((result) => result),
});

/** `types.error` of 2023-10-18, from which and to which `error-code` loses what it can say. */
type OldError = {
  readonly tag: "invalid-url" | "timeout-error" | "protocol-error" | "unexpected-error";
  readonly val: string;
};

function oldError(code: ErrorCode): OldError {
  const val = describeErrorCode(code);
  if (code.tag === "HTTP-request-URI-invalid") return { tag: "invalid-url", val };
  if (/timeout/.test(code.tag)) return { tag: "timeout-error", val };
  return { tag: /^HTTP-(?:protocol|response)/.test(code.tag) ? "protocol-error" : "unexpected-error", val };
}

const OldFields = standIn(Fields, {
  make: (entries: readonly (readonly [string, Uint8Array])[]) => Fields.fromList(entries),
});

class OldResponse extends OutgoingResponse {
  constructor(status: number, headers: Fields) {
    super(headers.clone());
    this.setStatusCode(status);
  }

  write(): OutgoingBody {
    return this.body();
  }
}

class OldRequest extends OutgoingRequest {
  constructor(
    method: Method,
    pathWithQuery: string | undefined,
    scheme: Scheme | undefined,
    authority: string | undefined,
    headers: Fields,
  ) {
    super(headers.clone());
    try {
      this.setMethod(method);
      this.setPathWithQuery(pathWithQuery);
      this.setScheme(scheme);
      this.setAuthority(authority);
    } catch (error) {
      // It cannot be said here: one without an authority is refused when it is sent.
      if (!(error instanceof WitError)) throw error;
      this.setAuthority(undefined);
    }
  }

  write(): OutgoingBody {
    return this.body();
  }
}

const OldBody = standIn(OutgoingBody, {
  finish(body: OutgoingBody, trailers: Fields | undefined): void {
    try {
      OutgoingBody.finish(body, trailers);
    } catch (error) {
      // There is nobody to tell; its reader has been told.
      if (!(error instanceof WitError)) throw error;
    }
  },
});

const OldOutparam = standIn(ResponseOutparam, {
  set(param: ResponseOutparam, response: Result<OutgoingResponse, OldError>): void {
    if (response.tag === "ok") return ResponseOutparam.set(param, response);
    const { tag, val } = response.val;
    ResponseOutparam.set(param, { tag: "err", val: { tag: "internal-error", val: `${tag}: ${val}` } });
  },
});

class OldFuture {
  readonly #future: FutureIncomingResponse;

  constructor(future: FutureIncomingResponse) {
    this.#future = future;
  }

  subscribe(): Pollable {
    return this.#future.subscribe();
  }

  get(): Result<Result<IncomingResponse, OldError>, undefined> | undefined {
    const given = this.#future.get();
    if (given?.tag !== "ok" || given.val.tag === "ok") {
      return given as Result<Result<IncomingResponse, never>, undefined>;
    }
    return { tag: "ok", val: { tag: "err", val: oldError(given.val.val) } };
  }

  [Symbol.dispose](): void {
    this.#future[Symbol.dispose]();
  }
}

/** `types` of 2023-10-18, from those of 0.2. */
const typesOfOctober = (types: HostInterface): HostInterface => ({
  ...types,
  Fields: OldFields,
  OutgoingRequest: OldRequest,
  OutgoingResponse: OldResponse,
  OutgoingBody: OldBody,
  ResponseOutparam: OldOutparam,
  FutureIncomingResponse: OldFuture,
  FutureTrailers: CandidateTrailers,
  IncomingBody: bodyOf((result): Result<Fields, OldError> =>
    result.tag === "ok" ? { tag: "ok", val: result.val ?? new Fields() } : { tag: "err", val: oldError(result.val) }
  ),
});

interface OldOptions {
  readonly connectTimeoutMs?: number;
  readonly firstByteTimeoutMs?: number;
  readonly betweenBytesTimeoutMs?: number;
}

const nanoseconds = (ms: number | undefined) => ms === undefined ? undefined : BigInt(ms) * 1_000_000n;

/** `outgoing-handler` of 2023-10-18, from that of 0.2. */
function handlerOfOctober(handler: HostInterface): HostInterface {
  const send = handler["handle"] as (request: OutgoingRequest, options?: RequestOptions) => FutureIncomingResponse;
  return {
    handle(request: OldRequest, options: OldOptions | undefined): OldFuture {
      const times = new RequestOptions();
      times.setConnectTimeout(nanoseconds(options?.connectTimeoutMs));
      times.setFirstByteTimeout(nanoseconds(options?.firstByteTimeoutMs));
      times.setBetweenBytesTimeout(nanoseconds(options?.betweenBytesTimeoutMs));
      try {
        return new OldFuture(send(request, times));
      } catch (error) {
        if (!(error instanceof WitError)) throw error;
        throw new WitError(oldError(errorCodeOf(error, { tag: "internal-error", val: undefined })));
      }
    },
  };
}

/** What is not as in 0.2, by the date of the candidate. */
export const httpCandidates = {
  "2023-10-18": { "wasi:http/types": typesOfOctober, "wasi:http/outgoing-handler": handlerOfOctober },
  "2023-11-10": { "wasi:http/types": typesOfNovember },
} as const;
