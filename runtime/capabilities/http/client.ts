/**
 * What a function may call, and how: the policy before {@linkcode sendRequest}, the same for every WASI version.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { HttpRequest, HttpResponse } from "../../http/message.ts";
import { HttpFailure } from "./error_code.ts";
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
    return sendRequest(request, options);
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
