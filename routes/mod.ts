/**
 * All routes of a server: the functions', and the platform's own.
 *
 * @module
 */
import { Hono } from "hono";
import { type Runtime, toSkerryError } from "../runtime/mod.ts";
import { failureResponse } from "./failure.ts";
import { functionHandler } from "./functions.ts";
import { platformRoutes } from "./platform.ts";

export type { FailureBody } from "./failure.ts";
export { functionHandler, type FunctionHandlerOptions } from "./functions.ts";
export { component, functions, type FunctionsOptions } from "./library.ts";

/** The app that serves the functions of `runtime`. */
export function createRoutes(runtime: Runtime): Hono {
  const failed = failureResponse(runtime);
  const app = new Hono();
  app.route("/", platformRoutes(runtime));
  app.all("*", functionHandler(runtime));
  app.onError((thrown, { req: { raw: request } }) => {
    console.error(thrown);
    return failed({ error: toSkerryError(thrown, "routing a request"), task: null, request });
  });
  const { fetch } = app;
  app.fetch = (request, ...rest) =>
    request.method === "HEAD" ? unsized(fetch(request, ...rest)) : fetch(request, ...rest);
  return app;
}

/** The answer to HEAD without the `content-length: 0` that a server adds where there is no body: GET may well have one. */
async function unsized(answer: Response | Promise<Response>): Promise<Response> {
  const response = await answer;
  const { status, headers, body } = response;
  // Hono takes the body of every such answer away.
  if (body !== null || headers.has("content-length") || status === 204 || status === 304) return response;
  return new Response(new ReadableStream({ start: (controller) => controller.close() }), response);
}
