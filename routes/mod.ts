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
  return app;
}
