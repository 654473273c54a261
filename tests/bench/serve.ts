/**
 * A server to be measured, a process of its own: it listens on a free port of the loopback, says which, and then answers
 * questions about what it has used until its standard input ends.
 *
 * @module
 */
import { Hono } from "hono";
import { echo } from "../_echo.ts";
import { again, type Worker } from "./again.ts";
import { answerLines, say } from "./_lines.ts";
import type { ServedComponent } from "./engines.ts";
import type { KvSpec } from "./kv.ts";
import type { MeterSpec } from "./meter.ts";
import type { SpinSpec } from "./spin.ts";
import { usage } from "./usage.ts";

/** What a server is to serve. */
export type ServerSpec =
  /** A Hono handler that answers a text. */
  | { readonly kind: "plain"; readonly path: string; readonly body: string }
  /** `Deno.serve` and the request's body as the response's. */
  | { readonly kind: "echo" }
  /**
   * A component, loaded before the port is said, or by the first request; then perhaps by a server that has warmed itself
   * up before, as Skerry's does where it loads functions lazily.
   */
  | ({ readonly kind: "component"; readonly lazy?: boolean; readonly warm?: boolean } & ServedComponent)
  /** No server: isolates made and ended, as often as asked. */
  | ({ readonly kind: "isolates" } & ServedComponent)
  /** No server: a key that is got again and again, by host code, or by a guest. */
  | ({ readonly kind: "kv" } & KvSpec)
  /** No server: guests that compute until they are ended, over and over. */
  | ({ readonly kind: "spin" } & SpinSpec)
  /** No server: kernels that run metered or not, as often as asked. */
  | ({ readonly kind: "meter" } & MeterSpec);

/** What a server says first: where it listens, or why it does not. */
export type Ready = { readonly port: number } | { readonly error: string };

type Handler = (request: Request) => Response | Promise<Response>;

/** A plain server is to hold nothing of the runtime, for its memory is measured too. */
const engines = () => import("./engines.ts");

async function componentHandler(spec: ServerSpec & { readonly kind: "component" }): Promise<Handler> {
  const { handlerOf, loadComponent, openEngine, warm } = await engines();
  const engine = await openEngine(spec);
  if (spec.warm === true) await warm(spec);
  const load = async () => handlerOf(await loadComponent(engine, spec));
  // Under a router, as the platform serves it.
  const app = new Hono();
  let handler: Promise<Handler> | undefined;
  if (spec.lazy !== true) {
    const loaded = await load();
    return app.all("/*", (c) => loaded(c.req.raw)).fetch;
  }
  return app.all("/*", async (c) => (await (handler ??= load()))(c.req.raw)).fetch;
}

function listen(handler: Handler): number {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return server.addr.port;
}

/** Makes isolates one after another. */
async function isolatesMaker(spec: ServedComponent): Promise<Worker> {
  const { loadComponent, makeAndEnd, openEngine } = await engines();
  const { linked } = await loadComponent(await openEngine(spec), spec);
  return again(() => makeAndEnd(linked), { pauseEvery: 64 });
}

async function main(spec: ServerSpec): Promise<void> {
  let make: Worker | undefined;
  let port = 0;
  switch (spec.kind) {
    case "plain":
      port = listen(new Hono().get(spec.path, (c) => c.text(spec.body)).fetch);
      break;
    case "echo":
      port = listen((request) => echo(request));
      break;
    case "component":
      port = listen(await componentHandler(spec));
      break;
    case "isolates":
      make = await isolatesMaker(spec);
      break;
    case "kv":
      make = await (await import("./kv.ts")).getter(spec);
      break;
    case "spin":
      make = await (await import("./spin.ts")).spinners(spec);
      break;
    case "meter":
      make = await (await import("./meter.ts")).meterWork(spec);
  }
  await say({ port } satisfies Ready);
  await answerLines(async (question) => {
    const { isolates } = question as { isolates?: number };
    return isolates === undefined ? usage() : await make!(isolates);
  });
  // Nobody is there to be served any more.
  Deno.exit(0);
}

if (import.meta.main) {
  try {
    await main(JSON.parse(Deno.args[0]!));
  } catch (error) {
    await say({ error: error instanceof Error ? error.message : String(error) } satisfies Ready);
    Deno.exit(1);
  }
}
