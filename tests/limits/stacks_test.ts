import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { stacks } from "../../runtime/engine/stacks.ts";
import { SkerryError } from "../../runtime/errors.ts";
import { DEFAULT_LIMITS, MAX_STACKS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";
import { serve } from "../http/_serve.ts";

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

Deno.test("who comes when there is no stack left is asked to come again, and it is counted", async () => {
  // It calls another component, which spins: on a stack of its own.
  const fixture = new URL("../hostile/guests/composed_async_callee.wasm", import.meta.url);
  await using server = await serve({
    engine: nativeEngine,
    guests: { calls: { fixture, limits: { cpuMs: 1000 } } },
    metrics: true,
  });
  const others = Array.from({ length: MAX_STACKS / 2 }, () => stacks.take("calls")!);
  const before = stacks.refused;
  try {
    const response = await server.fetch("/calls/", { headers: { "x-request-id": "x" } });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await response.json()).error.code).toBe("overloaded");
    expect((await server.outcome("x")).fields!["limits"]).toEqual({ "process.stacks": 1 });
    expect(await (await server.fetch("/-/metrics")).text()).toContain(
      `skerry_stacks ${MAX_STACKS / 2}\n` +
        "# HELP skerry_stacks_max How many there may be at once.\n# TYPE skerry_stacks_max gauge\n" +
        `skerry_stacks_max ${MAX_STACKS}\n`,
    );
    expect(stacks.refused).toBeGreaterThan(before);
  } finally {
    for (const giveBack of others) giveBack();
  }
});

Deno.test("a function whose isolates have half of the process's stacks gets no more, and another does", async () => {
  const others = Array.from({ length: MAX_STACKS / 2 }, () => stacks.take("threads")!);
  try {
    const { task, ran, failure } = await start(1, 5);
    await ran;
    expect((failure() as SkerryError).code).toBe("overloaded");
    expect([...task.met]).toEqual([["process.stacks", 1]]);
    task.end();
    const giveBack = stacks.take("another");
    expect(giveBack).toBeDefined();
    giveBack!();
  } finally {
    for (const giveBack of others) giveBack();
  }
  expect(stacks.taken).toBe(0);
});
