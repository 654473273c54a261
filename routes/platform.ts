/**
 * The platform's own routes, under `/-/`: no function can have them, not even with `/*`.
 *
 * @module
 */
import { Hono } from "hono";
import { METRICS_TYPE, type Runtime, SkerryError } from "../runtime/mod.ts";
import { failureResponse } from "./failure.ts";
import { inspectionHandler } from "./inspection.ts";

/**
 * `/-/health`: 200 while requests are taken, 503 as soon as the server stops, for whoever balances load. `/-/metrics`: the
 * process's counts, for Prometheus, where the operator has them shown.
 */
export function platformRoutes(runtime: Runtime): Hono {
  const failed = failureResponse(runtime);
  const app = new Hono();
  app.get("/-/health", (c) => {
    const status = runtime.stopping ? "stopping" : "ok";
    return c.json({ status }, runtime.stopping ? 503 : 200, { "cache-control": "no-store" });
  });
  app.get("/-/metrics", (c, next) => {
    const text = runtime.metrics?.();
    return text === undefined
      ? next()
      : c.body(text, 200, { "content-type": METRICS_TYPE, "cache-control": "no-store" });
  });
  app.get("/-/functions/:name", inspectionHandler(runtime));
  app.all("/-/*", ({ req: { raw: request } }) => {
    const error = new SkerryError("route-not-found", `routing ${request.url}: the platform has no such page`);
    return failed({ error, task: null, request });
  });
  return app;
}
