/**
 * Requests to functions.
 *
 * @module
 */
import type { Context, Handler, Next } from "hono";
import { basePath } from "hono/route";
import { type FunctionEntry, type Runtime, SkerryError } from "../runtime/mod.ts";
import { failureResponse, methodNotAllowed, refuseMalformed } from "./failure.ts";
import { RouteTable } from "./table.ts";
import { explainThrown } from "./thrown.ts";

/** What {@linkcode functionHandler} may be told. */
export interface FunctionHandlerOptions {
  /** Leave a path that no function has to the handlers after this one. Default: answer it with 404. */
  readonly passOn?: boolean;
  /** Match paths below where the handler is mounted, not from the root. Default: false. */
  readonly mounted?: boolean;
}

/** A Hono handler that gives each request to the function whose route it is. */
export function functionHandler(runtime: Runtime, options: FunctionHandlerOptions = {}): Handler {
  const failed = failureResponse(runtime);
  let version = NaN;
  let table: RouteTable<FunctionEntry>;
  return function dispatchToFunction(c: Context, next: Next): Promise<Response | void> | Response | Promise<Response> {
    if (version !== runtime.version) {
      version = runtime.version;
      table = new RouteTable(runtime.functions);
    }
    const request = c.req.raw;
    if (runtime.stopping) {
      const error = new SkerryError("server-stopping", `serving ${request.url}: the server is stopping`);
      return failed({ error, task: null, request });
    }
    const malformed = refuseMalformed(failed, request);
    if (malformed !== null) return malformed;
    const host = table.usesHosts ? hostOf(request) : "";
    const path = options.mounted ? belowBase(c.req.path, basePath(c)) : c.req.path;
    const match = table.match(request.method, host, path);
    if (match.kind === "found") {
      const answer = runtime.dispatch(match.entry, request, failed);
      return runtime.dev ? explainThrown(failed, request, answer) : answer;
    }
    if (match.kind === "method-not-allowed") return methodNotAllowed(failed, request, match.allow);
    if (options.passOn) return next();
    const error = new SkerryError("route-not-found", `routing ${request.url}: no function has this path`);
    return failed({ error, task: null, request });
  };
}

function hostOf(request: Request): string {
  return URL.parse(request.url)?.hostname.replace(/\.$/, "") ?? "";
}

function belowBase(path: string, base: string): string {
  if (base === "/" || !path.startsWith(base)) return path;
  return path.slice(base.length) || "/";
}
