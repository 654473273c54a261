import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { MAX_STACKS, stacks } from "../../runtime/engine/stacks.ts";
import { SkerryError } from "../../runtime/errors.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";

const THREADS = new URL("testdata/threads.wasm", import.meta.url);

/** A guest that makes `threads` of its own and waits. */
async function start(threads: number, subtasks: number) {
  const host = { "test:threads/host": { wait: async () => await new Promise<void>(() => {}) } };
  const linked = await (await nativeEngine.load(await Deno.readFile(THREADS), { name: "threads" })).link(host);
  const task = new Task({ function: "threads", limits: { ...DEFAULT_LIMITS, subtasks, wallMs: 600_000 } });
  let failed: unknown;
  const ran = withTask(task, async () => {
    const { exports } = await linked.instantiate();
    await exports["$root"]!["run"]!(threads);
  }).catch((error) => failed = error);
  return { task, ran, failure: () => failed };
}

/** Waits until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((done) => setTimeout(done, 1));
}

Deno.test("limits.subtasks bounds the threads that a guest makes", async () => {
  const { task, ran, failure } = await start(6, 5);
  await ran;
  expect(String(failure())).toContain("limits.subtasks");
  expect([...task.met]).toEqual([["subtasks", 1]]);
  task.end();
  await until(() => stacks.taken === 0);
});

Deno.test("each thread that waits has a stack of the process, and gives it back when its isolate ends", async () => {
  const { task, failure } = await start(5, 5);
  await until(() => stacks.taken === 5 || failure() !== undefined);
  expect([stacks.taken, failure()]).toEqual([5, undefined]);
  task.end();
  await until(() => stacks.taken === 0);
});

Deno.test("a function whose isolates have half of the process's stacks gets no more, and another does", async () => {
  const others = Array.from({ length: MAX_STACKS / 2 }, () => stacks.take("threads")!);
  try {
    const { task, ran, failure } = await start(1, 5);
    await ran;
    expect((failure() as SkerryError).code).toBe("overloaded");
    task.end();
    const giveBack = stacks.take("another");
    expect(giveBack).toBeDefined();
    giveBack!();
  } finally {
    for (const giveBack of others) giveBack();
  }
  expect(stacks.taken).toBe(0);
});
