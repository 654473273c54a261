/**
 * What a message of `wasi:http/types` 0.3.0 carries after its head: bytes, then perhaps trailers. They come from the
 * host, or from a guest.
 *
 * @module
 */
import {
  dropGuestFuture,
  dropGuestStream,
  readGuestFuture,
  readGuestStream,
  type Result,
  toGuestStream,
} from "../../engine/streams.ts";
import { SkerryError } from "../../errors.ts";
import type { Fields as HostFields } from "../../http/fields.ts";
import type { Body } from "../../http/message.ts";
import { STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { emptySource } from "../../streams/bytes.ts";
import { afterTurn } from "../../streams/turn.ts";
import { type ErrorCode, errorCodeOf, HttpFailure } from "./error_code.ts";
import { Fields } from "./p3_fields.ts";
import { GuestBodySource, ReadAhead, watchEnd } from "./p3_source.ts";

/** What the futures of `wasi:http/types` resolve with: how sending or receiving a message went. */
export type Transmission = Result<undefined, ErrorCode>;

/** What follows a body. */
export type TrailersResult = Result<Fields | undefined, ErrorCode>;

/** What `consume-body` returns: `tuple<stream<u8>, future<result<option<trailers>, error-code>>>`. */
export type Consumed = readonly [stream: unknown, trailers: Promise<TrailersResult>];

/** How a body is sent. */
export interface SendBody {
  /** From `content-length`; `undefined` also where it does not count, as in the answer to `HEAD`. */
  readonly length: number | undefined;
}

/** A message's contents, which are used exactly once. */
export interface Contents {
  /** Hands them to the guest; `verdict` is its future for how it got on with them. */
  consume(verdict: unknown): Consumed;
  /** Hands them to the host. */
  send(options: SendBody): Body | null;
  /** The message was dropped unused. */
  drop(): void;
}

const OK = Object.freeze({ tag: "ok" as const });

/** What a body's error is to the guest, when it has no `error-code` of its own: its peer has gone. */
const TERMINATED: ErrorCode = { tag: "connection-terminated" };

/** Contents that the host has received. */
export class ReceivedContents implements Contents {
  readonly #body: Body | null;

  constructor(body: Body | null) {
    this.#body = body;
  }

  consume(verdict: unknown): Consumed {
    const { source, end } = watchEnd(this.#body?.source ?? emptySource);
    readGuestFuture<Transmission>(verdict).then((result) => {
      // The guest could not do with it: the peer need not send the rest.
      if (result.tag === "err") source.cancel(new HttpFailure(result.val));
    }, () => {/* The task is over, and with it the body. */});
    return [toGuestStream(source), this.#trailers(end)];
  }

  send(): Body | null {
    return this.#body;
  }

  drop(): void {
    this.#body?.source.cancel();
  }

  async #trailers(end: ReturnType<typeof watchEnd>["end"]): Promise<TrailersResult> {
    const ended = await end;
    try {
      if (ended.how === "errored") throw ended.error;
      // Whoever stopped reading gave up what follows.
      const fields = ended.how === "closed" ? await this.#body?.trailers : undefined;
      return { tag: "ok", val: fields && new Fields(fields.freeze()) };
    } catch (error) {
      return { tag: "err", val: errorCodeOf(error, TERMINATED) };
    }
  }
}

async function settleWithinTurn(ahead: ReadAhead, trailers: Promise<unknown>): Promise<void> {
  const turn = Promise.withResolvers<void>();
  const forget = afterTurn(turn.resolve);
  const { done, stop } = ahead.fetch(STREAM_HIGH_WATER_BYTES);
  await Promise.race([turn.promise, Promise.all([done, trailers]).catch(() => {})]);
  forget();
  stop();
}

/** Contents that a guest makes. */
export class GuestContents implements Contents {
  readonly #kind: "request" | "response";
  readonly #stream: unknown;
  readonly #trailers: unknown;
  readonly #transmission = Promise.withResolvers<Transmission>();
  #source: GuestBodySource | undefined;
  #asked = false;
  #settle: () => Promise<void> = () => Promise.resolve();

  /**
   * @param stream A guest's `option<stream<u8>>`.
   * @param trailers A guest's `future<result<option<trailers>, error-code>>`.
   */
  constructor(kind: "request" | "response", stream: unknown, trailers: unknown) {
    this.#kind = kind;
    this.#stream = stream;
    this.#trailers = trailers;
  }

  /** The future that comes with a new message: how its transmission went. */
  get transmission(): Promise<Transmission> {
    return this.#transmission.promise;
  }

  /** Settles {@linkcode transmission}, unless the body has. */
  transmitted(result: Transmission): void {
    this.#transmission.resolve(result);
  }

  /**
   * Lets the guest write, until the body is there as a whole, or the host has as much as it keeps, or everyone else has
   * had a turn of the event loop. Most bodies are short, and a server sends what is whole at less cost.
   */
  settle(): Promise<void> {
    return this.#settle();
  }

  /**
   * Whether there is something of the body, or its end, that its reader has not taken yet. Some engines fetch what a guest
   * has left only when they are asked: the answer is right the second time.
   */
  hasMore(): boolean {
    const source = this.#source;
    if (source === undefined) return false;
    if (source.ready) return true;
    source.subscribe(() => {})();
    const asked = this.#asked;
    this.#asked = true;
    return !asked;
  }

  /** Breaks the body off, unless it has ended. */
  breakOff(error: unknown): void {
    this.#source?.breakOff(error);
  }

  consume(verdict: unknown): Consumed {
    const { source, end } = watchEnd(readGuestStream(this.#stream));
    readGuestFuture<Transmission>(verdict).then((result) => this.transmitted(result), () => {});
    const trailers = readGuestFuture<TrailersResult>(this.#trailers)
      .catch((): TrailersResult => ({ tag: "err", val: TERMINATED }));
    return [toGuestStream(source), end.then(() => trailers)];
  }

  send({ length }: SendBody): Body | null {
    const trailers = this.#readTrailers();
    // Whether anyone waits for the trailers is the transport's affair.
    trailers.catch(() => {});
    if (this.#stream === undefined) {
      // Whether a request without a body got through, its sender has to say.
      trailers.then(() => this.#kind === "response" && this.transmitted(OK), (error) => this.#failed(error));
      return null;
    }
    // As Wasmtime does, nothing is taken of what is written beyond the length.
    const bound = length === undefined ? undefined : {
      most: length,
      exceeded: (written: number) => this.#source?.breakOff(this.#wrongLength(length, written)),
    };
    const ahead = new ReadAhead(readGuestStream(this.#stream, bound));
    this.#settle = () => settleWithinTurn(ahead, trailers);
    this.#source = new GuestBodySource(ahead, {
      length,
      trailers,
      wrongLength: (written) => this.#wrongLength(length!, written),
    });
    const { source, end } = watchEnd(this.#source);
    end.then((ended) => {
      if (ended.how === "closed") this.transmitted(OK);
      else if (ended.how === "errored") this.#failed(ended.error);
      // A sender that fails gives the body up first, and then says why.
      else afterTurn(() => this.#failed(undefined));
    });
    return { source, trailers, ...(length === undefined ? {} : { length }) };
  }

  drop(): void {
    dropGuestStream(this.#stream);
    dropGuestFuture(this.#trailers);
    this.transmitted({ tag: "err", val: { tag: "internal-error", val: `the ${this.#kind} was dropped unsent` } });
  }

  async #readTrailers(): Promise<HostFields | undefined> {
    const result = await readGuestFuture<TrailersResult>(this.#trailers);
    if (result.tag === "ok") return result.val && Fields.seal(result.val);
    throw this.#broken(new HttpFailure(result.val, `the guest's trailers are an error: ${result.val.tag}`));
  }

  #wrongLength(announced: number, written: number): unknown {
    return this.#broken(
      new HttpFailure(
        { tag: `HTTP-${this.#kind}-body-size`, val: BigInt(written) },
        `content-length is ${announced}, but ${written} bytes were written`,
      ),
    );
  }

  /** What the reader gets: a peer of the guest an `error-code`, our own server a failure with a culprit. */
  #broken(failure: HttpFailure): unknown {
    if (this.#kind === "request") return failure;
    return new SkerryError("guest-response-incomplete", `writing the response body: ${failure.message}`, {
      cause: failure,
    });
  }

  #failed(error: unknown): void {
    const cause = error instanceof SkerryError ? error.cause : error;
    this.transmitted({ tag: "err", val: errorCodeOf(cause, TERMINATED) });
  }
}
