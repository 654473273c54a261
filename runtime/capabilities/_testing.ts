/**
 * What the tests of several capabilities need.
 *
 * @module
 */
import { expect } from "@std/expect";
import { fileURLToPath } from "node:url";
import { withTask } from "../context.ts";
import { type HostImports, mayWait } from "../engine/mod.ts";
import { WitError } from "../errors.ts";
import type { LogRecord } from "../log.ts";
import { Task } from "../task.ts";
import { member, readWit } from "./_wit.ts";

export { withFolder } from "../../tests/_folder.ts";

/** The payload of the error that `attempt` ends in. */
export async function payloadOf(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  return "no error";
}

/** Runs `body` in a task of its own, which ends with it. */
export async function inTask(body: (records: LogRecord[], task: Task) => unknown): Promise<void> {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", sink: (record) => records.push(record) });
  try {
    await withTask(task, () => body(records, task));
  } finally {
    task.end();
  }
}

/**
 * Runs a script that says a line for each round it has done, kills it once it has said `count`, and resolves to how many
 * it has said in all.
 */
export async function killAfter(count: number, script: URL, ...args: string[]): Promise<number> {
  const flags = ["--quiet", "--no-check", "--unstable-kv", "-A"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, fileURLToPath(script), ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    // Once: there may be more to read from a process that is gone.
    if (killed || said.split("\n").length <= count) continue;
    killed = true;
    child.kill("SIGKILL");
  }
  const { code, signal } = await child.status;
  expect([code, signal, said]).toEqual([137, "SIGKILL", said]);
  // What follows the last newline was not said to its end.
  return said.split("\n").length - 1;
}

/**
 * Expects of `host` every function of a folder of WIT, and that those may wait which are `async`. Resolves to how many
 * there are.
 */
export async function expectAllOf(wit: URL, host: HostImports): Promise<number> {
  let count = 0;
  for await (const { name } of Deno.readDir(wit)) {
    for (const face of readWit(await Deno.readTextFile(new URL(name, wit)))) {
      for (const func of face.functions) {
        expect([face.name, func, typeof member(host[face.name]!, func)]).toEqual([face.name, func, "function"]);
        count++;
      }
      for (const func of face.asyncs) expect([func, mayWait(member(host[face.name]!, func))]).toEqual([func, true]);
    }
  }
  return count;
}
