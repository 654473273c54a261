/**
 * What a function may call, and how: the policy before {@linkcode sendRequest}, the same for every WASI version.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { type ErrorCode, SkerryError } from "../../errors.ts";
import { Fields } from "../../http/fields.ts";
import type { HttpRequest, HttpResponse } from "../../http/message.ts";
import { HttpFailure, type PlainErrorTag } from "./error_code.ts";
import { AllowList, type HttpGrant } from "./grant.ts";
import { type SendOptions, sendRequest, targetOf } from "./send.ts";

/** Sends the requests of one function. */
export class Client {
  readonly #allowed: AllowList;

  constructor(grant: HttpGrant) {
    this.#allowed = new AllowList(grant);
  }

  /**
   * Sends `request` if it may be sent.
   *
   * @throws {HttpFailure} with the `error-code`; `HTTP-request-denied` unless the function was granted the origin.
   */
  // deno-lint-ignore require-await -- a refusal is a rejection
  async send(request: HttpRequest, options: SendOptions = {}): Promise<HttpResponse> {
    this.check(request);
    const name = neighbourOf(targetOf(request));
    return name === undefined ? sendRequest(request, options) : callNeighbour(name, request);
  }

  /**
   * Refuses `request` unless the function was granted its origin, and tells the operator the line to add.
   *
   * @throws {HttpFailure}
   */
  check(request: HttpRequest): void {
    try {
      const url = targetOf(request);
      if (this.#allowed.allows(url)) return;
      const line = `"grants": { "http": { "allow": [${JSON.stringify(url.origin)}] } }`;
      const task = currentTask();
      const message = `${task.function} may not call ${url.origin}. To allow it, add to its function.json: ${line}`;
      task.log("warn", message);
      throw new HttpFailure("HTTP-request-denied", message);
    } catch (error) {
      request.body?.source.cancel();
      throw error;
    }
  }
}

/** The function that `http://NAME.internal` names. The top-level domain is reserved for private use: it has no DNS. */
function neighbourOf(url: URL): string | undefined {
  if (!url.hostname.endsWith(".internal")) return undefined;
  if (url.protocol !== "http:" || url.port !== "") {
    throw new HttpFailure("destination-not-found", `sending a request: ${url.origin} is not http://NAME.internal`);
  }
  return url.hostname.slice(0, -".internal".length);
}

const FAILURES: Partial<Record<ErrorCode, PlainErrorTag>> = {
  "route-not-found": "destination-not-found",
  "loop-detected": "loop-detected",
  "deadline-exceeded": "HTTP-response-timeout",
};

async function callNeighbour(name: string, request: HttpRequest): Promise<HttpResponse> {
  const { callNeighbour } = currentTask();
  try {
    if (callNeighbour === undefined) {
      throw new SkerryError("route-not-found", `calling ${name}.internal: this process has no other functions`);
    }
    return await callNeighbour(name, { ...request, fields: Fields.received(request.fields.entries()) });
  } catch (error) {
    request.body?.source.cancel();
    if (!(error instanceof SkerryError)) throw error;
    throw new HttpFailure(FAILURES[error.code] ?? "destination-unavailable", error.message);
  }
}
