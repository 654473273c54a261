import { expect } from "@std/expect";
import { withTask } from "../context.ts";
import type { Isolate } from "../engine/mod.ts";
import { SkerryError, WitError } from "../errors.ts";
import { Task } from "../task.ts";
import { callExport } from "./calls.ts";

/** What is told of a function that a schedule calls, and that answers with an error. */
async function toldOf(payload: unknown): Promise<string> {
  const run = () => Promise.reject(new WitError(payload));
  const isolate = { exports: { "my:jobs/nightly": { run } }, ended: Promise.resolve() } as unknown as Isolate;
  const task = new Task({ function: "jobs" });
  try {
    await withTask(task, () => callExport(isolate, "my:jobs/nightly#run"));
  } catch (error) {
    if (error instanceof SkerryError && error.code === "guest-error") return error.message;
    throw error;
  } finally {
    task.end();
  }
  throw new Error("it did not fail");
}

const SAID = "calling jobs: my:jobs/nightly#run answered with an error";

Deno.test("the error that a scheduled function answers with is told, as long as somebody would read it", async () => {
  expect(await toldOf(undefined)).toBe(SAID);
  expect(await toldOf({ tag: "busy", val: { at: 5n, who: "me" } })).toBe(
    `${SAID} {"tag":"busy","val":{"at":"5","who":"me"}}`,
  );
  const text = "y".repeat(1000);
  expect(await toldOf(text)).toBe(`${SAID} "${text}"`);
  expect(await toldOf(`${text}z`)).toBe(`${SAID} "${text}"`);
  // As JSON this would be 400 MB, and more than a string can be.
  expect(await toldOf(new Uint8Array(32 * 1024 * 1024))).toBe(`${SAID} "33554432 bytes"`);
  const list = Array.from({ length: 1000 }, () => 1);
  expect(await toldOf({ list: [...list, 2] })).toBe(`${SAID} ${JSON.stringify({ list })}`);
});
