import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";

const CALLS = new URL("testdata/calls.wasm", import.meta.url);

/** More than a guest may keep others waiting for. */
const LONG_MS = 2;

Deno.test("a guest whose few calls take the host long lets others run between them", async () => {
  let calls = 0;
  const host = {
    "test:calls/host": {
      work() {
        calls++;
        for (const from = performance.now(); performance.now() - from < LONG_MS;);
      },
    },
  };
  const linked = await (await nativeEngine.load(await Deno.readFile(CALLS), { name: "calls" })).link(host);
  const task = new Task({ function: "calls", limits: { ...DEFAULT_LIMITS, cpuMs: 600_000, wallMs: 600_000 } });
  const seen: number[] = [];
  await withTask(task, async () => {
    const { exports } = await linked.instantiate();
    const timer = setInterval(() => seen.push(calls), 0);
    await exports["$root"]!["run"]!(100);
    clearInterval(timer);
  });
  task.end();
  expect(calls).toBe(100);
  // Sixteen at most before it is noticed, and then one at a time.
  expect(seen.filter((count) => count < 100).length).toBeGreaterThan(10);
});
