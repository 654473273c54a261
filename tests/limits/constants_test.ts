import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { Task } from "../../runtime/task.ts";
import { onEachEngine } from "../http/_serve.ts";

async function load(engine: Engine, name: string) {
  const bytes = await Deno.readFile(new URL(`testdata/${name}.wasm`, import.meta.url));
  return await engine.load(bytes, { name });
}

onEachEngine("a component whose isolates begin with too much in the host's heap is refused", async (engine) => {
  // Otherwise a hundred bytes of it could end the process before any limit is asked.
  for (const name of ["constants_large", "constants_twice"]) {
    await expect(load(engine, name)).rejects.toMatchObject({
      code: "component-over-limit",
      message: expect.stringMatching(`loading ${name}: .* take up to \\d+ bytes of the host's heap`),
    });
  }
});

onEachEngine("one that begins with less runs", async (engine) => {
  const linked = await (await load(engine, "constants_enough")).link({});
  const task = new Task({ function: "enough" });
  expect(await withTask(task, async () => await (await linked.instantiate()).exports["$root"]!["f"]!())).toBe(7);
  task.end();
});

onEachEngine(
  "a component whose instances together begin with more table elements than its limit is refused",
  async (engine) => {
    await expect(load(engine, "tables_twice")).rejects.toMatchObject({
      code: "component-over-limit",
      message: expect.stringMatching(
        /loading tables_twice: its tables begin with 240000 elements, .*tableElements is 200000/,
      ),
    });
  },
);

onEachEngine("what tables grow by comes on top of what they all begin with", async (engine) => {
  const linked = await (await load(engine, "tables_grow")).link({});
  const task = new Task({ function: "tables_grow" });
  const answers = await withTask(task, async () => {
    const { f, g } = (await linked.instantiate()).exports["$root"]!;
    return [await f!(20_001), await f!(19_000), await g!(1001), await g!(1000)];
  });
  expect(answers).toEqual([-1, 90_000, -1, 90_000]);
  expect([...task.met]).toEqual([["tableElements", 2]]);
  task.end();
});
