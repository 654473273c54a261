import { expect } from "@std/expect";
import { sendInFlight } from "./in_flight.ts";
import { holdIsolates } from "./isolates.ts";
import { type Holdings } from "./server.ts";
import { atRest, leaks, soak, startServer } from "./soak.ts";
import { Caller, type Kind, KINDS, mix } from "./traffic.ts";

Deno.test("a server that has been sent everything, four times, holds nothing of it", async () => {
  const kinds = KINDS.map((kind) => ({ ...kind, weight: 1 }));
  // Too little to compare memory by: that is for `deno task soak`.
  const { requests, problems } = await soak({
    kinds,
    requests: 4 * kinds.length,
    connections: 4,
    compareMemory: false,
  });
  expect(problems).toEqual([]);
  expect(requests).toBe(4 * kinds.length);
});

Deno.test("isolates that all wait are alive at once, and when their callers leave, none is, nor its memory", async () => {
  const { during, after, problems } = await holdIsolates(100, { compareMemory: false });
  expect(problems).toEqual([]);
  expect([during.isolates, during.tasks]).toEqual([100, 100]);
  expect(during.memory).toBeGreaterThan(100 * 1024 * 1024);
  // Collected, but for what is on the stack still.
  expect(after.memories).toBeLessThan(10);
});

for (const engine of ["native", "jco"] as const) {
  Deno.test(`${engine}: callers who stop sending leave no isolate behind`, async () => {
    const { child, port } = await startServer({
      engine,
      functions: { p3: { fixture: "c-p3", limits: { requestBodyWaitMs: 1 } } },
    });
    try {
      const stalls: Kind = { name: "stalls", path: "/p3/body-size", weight: 1, status: [408], caller: "stalls" };
      const callers = Array.from({ length: 20 }, () => new Caller(port));
      expect(await Promise.all(callers.map((caller) => caller.send(stalls)))).toEqual(callers.map(() => undefined));
      expect((await atRest(child)).memories).toBeLessThan(10);
    } finally {
      await child.stop();
    }
  });
}

Deno.test("requests that all wait for their upstream at once each get their own answer", async () => {
  const { during, problems } = await sendInFlight(100);
  expect(problems).toEqual([]);
  expect([during.isolates, during.tasks, during.answered]).toEqual([100, 100, 0]);
});

Deno.test("a mix has each kind as often as it weighs, evenly", () => {
  const [a, b] = KINDS as [typeof KINDS[number], typeof KINDS[number]];
  const row = mix([{ ...a, weight: 3 }, { ...b, weight: 1 }]).map(({ name }) => name);
  expect(row.length).toBe(4);
  expect(row.filter((name) => name === b.name).length).toBe(1);
});

Deno.test("what a server at rest holds too much of is a problem, by name", () => {
  const nothing: Holdings = {
    rssMb: 100,
    heapMb: 20,
    descriptors: 20,
    tasks: 0,
    isolates: 0,
    waiting: 0,
    memory: 0,
    memories: 0,
    records: 0,
    answered: 0,
    wrong: 0,
  };
  expect(leaks(nothing, nothing, true)).toEqual([]);
  const leaky = {
    rssMb: 500,
    heapMb: 60,
    descriptors: 30,
    tasks: 1,
    isolates: 1,
    waiting: 1,
    memory: 1,
    memories: 5000,
  };
  expect(leaks(nothing, { ...nothing, ...leaky }, true).map((text) => text.split(":")[1])).toEqual([
    " tasks",
    " isolates",
    " requests that wait",
    " bytes of linear memory",
    " memories",
    " descriptors",
    " MB of resident memory",
    " MB of JavaScript heap",
  ]);
});
