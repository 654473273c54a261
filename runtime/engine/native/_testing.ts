/**
 * For the engine's own tests: a component in a task.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { Task, type TaskOptions } from "../../task.ts";
import type { HostImports, Isolate, LinkedComponent } from "../mod.ts";
import { nativeEngine, ROOT } from "./mod.ts";

/** A component from `testdata`, linked. */
export async function linkFixture(name: string, host: HostImports): Promise<LinkedComponent> {
  const bytes = await Deno.readFile(new URL(`./testdata/${name}.wasm`, import.meta.url));
  return await (await nativeEngine.load(bytes, { name })).link(host);
}

/** Runs `body` with a fresh isolate, in a task of its own which ends with it. */
export async function inIsolate<T>(
  linked: LinkedComponent,
  body: (isolate: Isolate, task: Task) => Promise<T>,
  options: Partial<TaskOptions> = {},
): Promise<T> {
  const task = new Task({ function: "test", ...options });
  try {
    return await withTask(task, async () => await body(await linked.instantiate(), task));
  } finally {
    task.end();
  }
}

/** Calls a function that a component exports by itself. */
export function call(isolate: Isolate, name: string, ...args: unknown[]): Promise<unknown> {
  return isolate.exports[ROOT]![name]!(...args);
}
