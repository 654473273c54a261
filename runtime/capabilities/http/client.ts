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
import { countSent } from "./places.ts";
import { type SendOptions, sendRequest, targetOf } from "./send.ts";

/** How names become addresses, and whose connections are taken; by default as {@linkcode sendRequest} does it. */
export type ClientOptions = Pick<SendOptions, "lookUp" | "connections">;

/** Sends the requests of one function. */
export class Client {
  readonly #allowed: AllowList;
  readonly #options: ClientOptions;

  constructor(grant: HttpGrant, options: ClientOptions = {}) {
    this.#allowed = new AllowList(grant);
    this.#options = options;
  }

  /**
   * Sends `request` if it may be sent. What comes back is the answer of the first server: a redirection is the guest's to
   * follow, by another request that is judged by itself.
   *
   * @throws {HttpFailure} with the `error-code`; `HTTP-request-denied` unless the function was granted the request,
   * `destination-IP-prohibited` when the name stands for an address that it was not granted.
   */
  async send(request: HttpRequest, options: Omit<SendOptions, "privateNetworks"> = {}): Promise<HttpResponse> {
    const { url, privateNetworks } = this.#granted(request);
    const name = neighbourOf(url);
    if (name !== undefined) return callNeighbour(name, request);
    try {
      return await sendRequest(request, { ...this.#options, ...options, privateNetworks });
    } catch (error) {
      if (error instanceof HttpFailure && error.payload.tag === "destination-IP-prohibited") {
        currentTask().log("warn", error.message);
      }
      throw error;
    }
  }

  /**
   * Refuses `request` unless it was granted, and tells the operator the line to add.
   *
   * @throws {HttpFailure}
   */
  check(request: HttpRequest): void {
    this.#granted(request);
  }

  #granted(request: HttpRequest): { url: URL; privateNetworks: boolean } {
    try {
      const url = targetOf(request);
      const { method, pathWithQuery } = request;
      const verdict = this.#allowed.judge({ url, method, pathWithQuery });
      if (verdict.allowed) return { url, privateNetworks: verdict.privateNetworks };
      // Not the query: that is where secrets are.
      const path = pathWithQuery.replace(/\?.*$/s, "");
      const [what, entry] = verdict.originGranted
        ? [`send ${method} ${url.origin}${path}`, { origin: url.origin, methods: [method], path }]
        : [`call ${url.origin}`, url.origin];
      const line = `"grants": { "http": { "allow": [${JSON.stringify(entry)}] } }`;
      const task = currentTask();
      const message = `${task.function} may not ${what}. To allow it, add to its function.json: ${line}`;
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
  // A dot at the end is a name in the DNS all the same, and it must not be asked for this one.
  const hostname = url.hostname.replace(/\.$/, "");
  if (!hostname.endsWith(".internal")) return undefined;
  if (url.protocol !== "http:" || url.port !== "") {
    throw new HttpFailure("destination-not-found", `sending a request: ${url.origin} is not http://NAME.internal`);
  }
  return hostname.slice(0, -".internal".length);
}

const FAILURES: Partial<Record<ErrorCode, PlainErrorTag>> = {
  "route-not-found": "destination-not-found",
  "loop-detected": "loop-detected",
  "deadline-exceeded": "HTTP-response-timeout",
};

async function callNeighbour(name: string, request: HttpRequest): Promise<HttpResponse> {
  const { callNeighbour } = currentTask();
  try {
    // It costs an isolate, and may itself call others.
    countSent();
    if (callNeighbour === undefined) {
      throw new SkerryError("route-not-found", `calling ${name}.internal: this process has no other functions`);
    }
    return await callNeighbour(name, { ...request, fields: Fields.received(request.fields.textEntries()) });
  } catch (error) {
    request.body?.source.cancel();
    if (!(error instanceof SkerryError)) throw error;
    throw new HttpFailure(FAILURES[error.code] ?? "destination-unavailable", error.message);
  }
}
