/**
 * `wasi:http/outgoing-handler` 0.2, and the resources of `wasi:http/types` that belong to it.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { HttpResponse } from "../../http/message.ts";
import type { Pollable } from "../../streams/p2/mod.ts";
import { type ErrorCode, errorCodeOf, HttpFailure, type Result } from "./error_code.ts";
import { FutureResult } from "./p2_future.ts";
import { IncomingResponse } from "./p2_incoming.ts";
import { OutgoingRequest } from "./p2_outgoing.ts";
import { Client } from "./client.ts";

const milliseconds = (nanoseconds: bigint | undefined) =>
  nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;

/** The times that an outgoing request may take. */
export class RequestOptions {
  #connect: bigint | undefined;
  #firstByte: bigint | undefined;
  #betweenBytes: bigint | undefined;

  connectTimeout(): bigint | undefined {
    return this.#connect;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connect = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByte = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytes = duration;
  }

  [Symbol.dispose](): void {}
}

type ResponseResult = Result<IncomingResponse, ErrorCode>;

/** A response that is still to come. Dropped before that, the request is called off. */
export class FutureIncomingResponse {
  readonly #abort: AbortController;
  readonly #result = new FutureResult<ResponseResult>();

  constructor(response: Promise<HttpResponse>, abort: AbortController) {
    this.#abort = abort;
    const task = currentTask();
    response.then(
      (response) => this.#result.settle({ tag: "ok", val: new IncomingResponse(response) }),
      (error) => {
        // Not a failure that we know: the guest learns nothing of it, the operator all.
        if (!(error instanceof HttpFailure)) {
          task.log("error", `sending a request: ${error instanceof Error ? error.stack : error}`);
        }
        this.#result.settle({ tag: "err", val: errorCodeOf(error, { tag: "internal-error", val: undefined }) });
      },
    );
  }

  subscribe(): Pollable {
    return this.#result.pollable();
  }

  get(): Result<ResponseResult, undefined> | undefined {
    return this.#result.take();
  }

  [Symbol.dispose](): void {
    if (!this.#result.taken) this.#abort.abort();
  }
}

/** `handle` of `wasi:http/outgoing-handler`. */
export function outgoingHandler(client: Client) {
  return function handle(request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse {
    const hostRequest = OutgoingRequest.hostRequest(request);
    client.check(hostRequest);
    const abort = new AbortController();
    const response = client.send(hostRequest, {
      connectTimeoutMs: milliseconds(options?.connectTimeout()),
      firstByteTimeoutMs: milliseconds(options?.firstByteTimeout()),
      betweenBytesTimeoutMs: milliseconds(options?.betweenBytesTimeout()),
      signal: abort.signal,
    });
    return new FutureIncomingResponse(response, abort);
  };
}
