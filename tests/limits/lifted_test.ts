import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";
import { onEachEngine } from "../http/_serve.ts";

const LIFTS = new URL("testdata/lifts.wasm", import.meta.url);

/** What is lifted and counts as much as may be, and what is one byte more or one element. */
const MOST = 2424;
const WITHIN = [10, 100], BYTE_OVER = [10, 101], ELEMENTS = [17, 0], ELEMENT_OVER = [18, 0];
const TEXTS = { within: [WITHIN, ELEMENTS], over: [BYTE_OVER, ELEMENT_OVER] };
const WAYS: Readonly<Record<string, { readonly within: readonly number[][]; readonly over: readonly number[][] }>> = {
  texts: TEXTS,
  // Two calls, and each is within.
  twice: TEXTS,
  later: TEXTS,
  answer: TEXTS,
  result: TEXTS,
  bytes: { within: [[1, MOST - 64]], over: [[1, MOST - 63]] },
};

for (const [way, { within, over }] of Object.entries(WAYS)) {
  onEachEngine(`limits.hostCallBytes holds for what a guest hands over as "${way}"`, async (engine) => {
    const host = { "test:lifts/host": { texts: () => {}, bytes: () => {}, later: async () => {} } };
    const linked = await (await engine.load(await Deno.readFile(LIFTS), { name: "lifts" })).link(host);
    /** Which limit the guest met, if it did. */
    const met = async (args: readonly number[]) => {
      const task = new Task({ function: "lifts", limits: { ...DEFAULT_LIMITS, hostCallBytes: MOST, wallMs: 600_000 } });
      let failed: unknown;
      await withTask(task, async () => {
        const { exports } = await linked.instantiate();
        await exports["$root"]![way]!(...args);
      }).catch((error) => failed = error);
      task.end();
      return [[...task.met.keys()].join(), /limits\.hostCallBytes/.test(String(failed))];
    };
    for (const args of within) expect([args, ...await met(args)]).toEqual([args, "", false]);
    for (const args of over) expect([args, ...await met(args)]).toEqual([args, "hostCallBytes", true]);
  });
}
