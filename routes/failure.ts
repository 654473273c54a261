/**
 * The answers that the platform gives itself: JSON for programs, a page for browsers, always with the request's id.
 *
 * @module
 */
import { parseAccept } from "hono/utils/accept";
import {
  type Failure,
  type FailureResponse,
  formatRoute,
  type FunctionEntry,
  guestStack,
  requestId,
  type Runtime,
  SkerryError,
} from "../runtime/mod.ts";
import { errorPage } from "./error_page.ts";
import { notFoundPage } from "./not_found_page.ts";
import { markup, page, PAGE_HEADERS } from "./page.ts";
import { guestTraces, operatorsMessage } from "./told.ts";

/** The body of an answer to a program. */
export interface FailureBody {
  readonly error: {
    readonly code: string;
    /** A sentence for the caller, the same for every failure of this code. */
    readonly message: string;
    readonly requestId: string;
    /** In development only: what the operator is told. */
    readonly detail?: string;
    /** In development only: the guest's stack, if it has one. */
    readonly stack?: readonly string[];
  };
}

/** More than the examples have. */
const MOST_PATHS_SHOWN = 20;

/** Who has to wait because there is no room now may come back after so many seconds. */
const RETRY_AFTER_S = 1;

/**
 * Makes answers to failed requests. Outside development they hold the code, its summary and the request's id: a message
 * is for the operator, and may name files, hosts or what a guest has printed.
 */
export function failureResponse(runtime: Pick<Runtime, "dev" | "functions">): FailureResponse {
  const { dev } = runtime;
  return function answerFailure(failure: Failure): Response {
    const { error, task, request } = failure;
    const id = task?.id ?? requestId(request.headers.get("x-request-id"));
    const headers = new Headers({ "x-request-id": id, "cache-control": "no-store", "vary": "accept" });
    if (error.code === "function-busy" || error.code === "overloaded" || error.code === "server-stopping") {
      headers.set("retry-after", String(RETRY_AFTER_S));
    }
    // What is still to come of its body is not waited for (RFC 9110, section 15.5.9).
    if (error.code === "request-timeout") headers.set("connection", "close");
    const init = { status: error.status, headers };
    if (prefersPage(request.headers.get("accept"))) {
      for (const [name, value] of Object.entries(PAGE_HEADERS)) headers.set(name, value);
      if (!dev) return new Response(plainPage(error, id), init);
      const missing = error.code === "route-not-found";
      return new Response(missing ? notFoundPage(runtime.functions, request, id) : errorPage(failure, id), init);
    }
    headers.set("content-type", "application/json; charset=utf-8");
    const detail = dev ? detailOf(failure) : {};
    if (detail.detail !== undefined && error.code === "route-not-found") detail.detail += pathsOf(runtime.functions);
    const body: FailureBody = { error: { code: error.code, message: error.summary, requestId: id, ...detail } };
    return new Response(`${JSON.stringify(body)}\n`, init);
  };
}

/** The answer to a request whose path is known and whose method is not (RFC 9110, section 15.5.6). */
export function methodNotAllowed(failed: FailureResponse, request: Request, allow: string): Response {
  const error = new SkerryError(
    "method-not-allowed",
    `routing ${request.method} ${request.url}: no function takes this method here; ${allow} would be taken`,
  );
  const response = failed({ error, task: null, request });
  response.headers.set("allow", allow);
  return response;
}

/** The URLs of nearly all requests, known at a glance: numbers as ports and addresses can be too big. */
const PLAIN_URL = /^https?:\/\/(?:[\w.-]*[a-z]|127\.0\.0\.1)(?::\d{1,4})?\//i;

/** What no `Host` may have: with it, a caller would choose the path that is routed by the host that is sent (RFC 3986, 3.2). */
const BEYOND_HOST = /[/?#@\\]/;

/** The answer to a request whose `Host` makes no URL, so that no guest has to make sense of it; `null` for all others. */
export function refuseMalformed(failed: FailureResponse, request: Request): Response | null {
  const { url } = request;
  const host = request.headers.get("host");
  // Without the third look, the URL of an empty Host would take its path for one.
  const hasUrl = PLAIN_URL.test(url) || (URL.canParse(url) && /^https?:\/\/[^/?#]/i.test(url));
  if (hasUrl && (host === null || !BEYOND_HOST.test(host))) return null;
  const error = new SkerryError("request-malformed", `routing ${request.url}: its Host header is no host name`);
  return failed({ error, task: null, request });
}

/** Whether a caller would rather read a page than JSON: a browser names `text/html`, a program mostly says nothing. */
export function prefersPage(accept: string | null): boolean {
  if (accept === null) return false;
  const named = parseAccept(accept)
    .map(({ type, q }) => ({ type: type.toLowerCase(), q }))
    .filter(({ type, q }) => q > 0 && (type === "text/html" || type === "application/json"));
  named.sort((a, b) => b.q - a.q);
  return named[0]?.type === "text/html";
}

/** The paths that there are, as long as a person would read them. */
function pathsOf(functions: readonly FunctionEntry[]): string {
  const paths = functions.flatMap(({ routes }) => routes.map(formatRoute));
  // Whoever misspelt a manifest asks for a path that is in it.
  const broken = functions.flatMap(({ problem, served, file }) => problem !== null && served === null ? [file] : []);
  const list = (things: readonly string[]) =>
    things.slice(0, MOST_PATHS_SHOWN).join(", ") + (things.length > MOST_PATHS_SHOWN ? " and more" : "");
  return (paths.length === 0 ? "" : `; there is ${list(paths)}`) +
    (broken.length === 0 ? "" : `; broken, as the log says: ${list(broken)}`);
}

function detailOf(failure: Failure): { detail?: string; stack?: readonly string[] } {
  const stack = guestStack(guestTraces(failure));
  return {
    detail: operatorsMessage(failure),
    ...(stack === "" ? {} : { stack: stack.split("\n").map((line) => line.trim()) }),
  };
}

function plainPage(error: SkerryError, id: string): string {
  return page(
    `${error.status} ${error.code}`,
    markup`<p class="status">${error.status}</p>
<h1>${error.summary}</h1>
<p class="soft">Code <code>${error.code}</code></p>
<footer>Request <code>${id}</code></footer>`,
  );
}
