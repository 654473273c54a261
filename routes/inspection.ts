/**
 * `/-/functions/NAME`, in development: what a function imports, was granted and has used, for `deno task inspect`.
 *
 * @module
 */
import type { Context, Handler, Next } from "hono";
import type { Runtime } from "../runtime/mod.ts";

/** Answers who asks from this machine, and is not there for anybody else. */
export function inspectionHandler(runtime: Runtime): Handler {
  return function tellAboutFunction(c: Context, next: Next): Promise<void> | Response {
    if (!runtime.dev || !fromThisMachine(c)) return next();
    const report = runtime.report?.(c.req.param("name") ?? "");
    return report === undefined ? next() : c.json(report, 200, { "cache-control": "no-store" });
  };
}

/** Asked over the loopback, and by that name: a page whose name was made to resolve to this machine is not this machine. */
function fromThisMachine({ env, req }: Context): boolean {
  const { hostname } = (env as Partial<Deno.ServeHandlerInfo<Deno.NetAddr>> | undefined)?.remoteAddr ?? {};
  const asked = URL.parse(req.url)?.hostname;
  return hostname !== undefined && isLoopback(hostname) && asked !== undefined &&
    (asked === "localhost" || isLoopback(asked.replace(/^\[|\]$/g, "")));
}

function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === "::1";
}
