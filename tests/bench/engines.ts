/**
 * The engines that are measured, and one component served by one of them.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { builtinCapabilities } from "../../runtime/capabilities/mod.ts";
import { withTask } from "../../runtime/context.ts";
import { Dispatcher } from "../../runtime/dispatcher.ts";
import type { ServedFunction } from "../../runtime/handler.ts";
import { findHandler } from "../../runtime/handler.ts";
import type { Engine, LinkedComponent } from "../../runtime/engine/mod.ts";
import { Host } from "../../runtime/host.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { type LogSink, silentSink } from "../../runtime/log.ts";
import { Task } from "../../runtime/task.ts";

/** How to make each engine. Imported only when asked for, so that a server holds none but its own. */
const ENGINES = {
  async jco(cacheDir: string): Promise<Engine> {
    const { createJcoEngine } = await import("../../runtime/engine/jco/mod.ts");
    return createJcoEngine({ cacheDir });
  },
  async native(cacheDir?: string): Promise<Engine> {
    const { createNativeEngine } = await import("../../runtime/engine/native/mod.ts");
    return createNativeEngine(cacheDir === undefined ? {} : { cacheDir: join(cacheDir, "native") });
  },
};

/** Warms up as a server of Skerry's does: with an engine that has to rewrite what it is given. */
export async function warm(spec: ServedComponent): Promise<void> {
  const { warmUp } = await import("../../runtime/warm/mod.ts");
  await warmUp(spec.engine === "native" ? await ENGINES.native() : await openEngine(spec));
}

export type EngineName = keyof typeof ENGINES;

/** A component, and the engine that runs it. */
export interface ServedComponent {
  readonly engine: EngineName;
  /** The `.wasm`, absolute. */
  readonly component: string;
  /** Where an engine keeps what it prepares. */
  readonly cacheDir: string;
}

/** Makes an engine ready, and imports all that serving needs: what a server does before it has a component. */
export function openEngine({ engine, cacheDir }: ServedComponent): Promise<Engine> {
  return ENGINES[engine](cacheDir);
}

/** From the file on disk to something that serves. */
export async function loadComponent(engine: Engine, { component }: ServedComponent): Promise<ServedFunction> {
  const name = "bench";
  const loaded = await engine.load(await Deno.readFile(component), { name });
  const linked = await new Host(builtinCapabilities).link(loaded, {
    name,
    directory: dirname(component),
    grants: {},
    env: {},
  });
  return { name, linked: linked.component, handler: findHandler(loaded, name), limits: DEFAULT_LIMITS };
}

/** A handler that serves each request in a fresh isolate, by default without a log. */
export function handlerOf(
  served: ServedFunction,
  sink: LogSink = silentSink,
): (request: Request) => Response | Promise<Response> {
  const dispatcher = new Dispatcher({ sink });
  return (request) =>
    dispatcher.dispatch(served, request, ({ error }) => new Response(`${error.message}\n`, { status: error.status }));
}

/** Makes and ends one isolate with its task, and asks nothing of it. */
export async function makeAndEnd(linked: LinkedComponent): Promise<void> {
  const task = new Task({ function: "bench" });
  await withTask(task, async () => {
    const isolate = await linked.instantiate();
    isolate.dispose();
  });
  task.end();
}
