// How to test a capability of one's own: its host functions, called without a guest.
import { expect } from "@std/expect";
import { linkForTest } from "../../runtime/testing.ts";
import { stopwatch } from "./capability.ts";

interface Stopwatch {
  requestId(): string;
  report(): string[];
  readonly Lap: new (label: string) => Disposable & { stop(): Promise<number> };
}

const linked = await linkForTest(stopwatch);
const { Lap, report, requestId } = linked.use<Stopwatch>("example:stopwatch/stopwatch@0.1.0");

Deno.test("the host has all that the WIT has", async () => {
  expect(linked.missing(await Deno.readTextFile(new URL("wit/stopwatch.wit", import.meta.url)))).toEqual([]);
});

Deno.test("a request sees its own laps, among others at once", async () => {
  await Promise.all(["a", "b", "c"].map((label) =>
    linked.inTask(async (task) => {
      const lap = new Lap(label);
      expect(await lap.stop()).toBeGreaterThan(0);
      expect(report()).toEqual([expect.stringMatching(`^${label}: [0-9.]+ ms$`)]);
      expect(requestId()).toBe(task.id);
    })
  ));
});

Deno.test("a lap that is dropped before it is stopped is logged", async () => {
  await linked.inTask(() => new Lap("lost")[Symbol.dispose]());
  expect(linked.records.map(({ message }) => message)).toContain('lap "lost" was never stopped');
});

Deno.test("a malformed grant is refused", async () => {
  await expect(linkForTest(stopwatch, { grant: { fast: true } })).rejects.toMatchObject({ code: "grant-invalid" });
});
