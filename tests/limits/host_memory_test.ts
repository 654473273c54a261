import { expect } from "@std/expect";
import { Fields } from "../../runtime/capabilities/http/p2_fields.ts";
import { OutgoingRequest } from "../../runtime/capabilities/http/p2_outgoing.ts";
import { withTask } from "../../runtime/context.ts";
import { DEFAULT_LIMITS, type LimitName } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";
import type { Fixture } from "../fixtures/mod.ts";
import { onEachEngine, serve } from "../http/_serve.ts";

/** A request that a function with this limit fails, and one that meets the same limit and does not. */
const TRAPS: readonly (readonly [fixture: Fixture, limit: LimitName, most: number, fails: string, passes: string])[] = [
  ["c-p3", "subtasks", 5, "sleep-many?n=6&ms=600000", "sleep-many?n=5&ms=1"],
  ["c-http", "hostCallBytes", 2000, `outgoing?url=http://a.test/${"a".repeat(3000)}`, "hello"],
  ["c-http", "hostCallBytes", 8000, "poll-many?n=200&ms=1", "poll-many?n=100&ms=1"],
  ["c-http", "handles", 100, "handles?n=1000", "hello"],
];

for (const [fixture, limit, most, fails, passes] of TRAPS) {
  onEachEngine(`limits.${limit} traps a guest that takes more: ${fixture}/${fails.slice(0, 40)}`, async (engine) => {
    await using server = await serve({ engine, guests: { a: { fixture, limits: { [limit]: most } } } });
    const response = await server.fetch(`/a/${fails}`, { headers: { "x-request-id": "fails" } });
    expect([response.status, (await response.json()).error.code]).toEqual([500, "guest-trapped"]);
    const { message, fields } = await server.outcome("fails");
    expect(message).toContain(`limits.${limit}`);
    expect(fields!["limits"]).toEqual({ [limit]: 1 });
    expect((await server.fetch(`/a/${passes}`)).status).toBe(200);
  });
}

onEachEngine("limits.streams traps a guest of WASI 0.3 that holds more ends of streams and futures", async (engine) => {
  await using server = await serve({
    engine,
    guests: { a: { fixture: "c-p3", limits: { streams: 1 } } },
  });
  const response = await server.fetch("/a/hello", { headers: { "x-request-id": "fails" } });
  expect(response.status).toBe(500);
  await response.body?.cancel();
  expect((await server.outcome("fails")).fields!["limits"]).toEqual({ streams: 1 });
});

Deno.test("limits.streams refuses bodies to a guest of WASI 0.2 that keeps them, until it lets go of one", () => {
  const task = new Task({ function: "a", limits: { ...DEFAULT_LIMITS, streams: 2 } });
  withTask(task, () => {
    const requests = [1, 2, 3].map(() => new OutgoingRequest(new Fields()));
    requests[0]!.body();
    requests[1]!.body();
    expect(() => requests[2]!.body()).toThrow();
    expect(task.met.get("streams")).toBe(1);
    requests[0]![Symbol.dispose]();
    requests[0]![Symbol.dispose]();
    requests[2]!.body();
    expect(() => new OutgoingRequest(new Fields()).body()).toThrow();
  });
  task.end();
});

onEachEngine("what a guest of WASI 0.3 drops or gives away counts no more", async (engine) => {
  const fixture = new URL("../hostile/guests/p3_releases.wasm", import.meta.url);
  await using server = await serve({
    engine,
    guests: {
      // Each of its thirty rounds keeps one end of a future, and begins a message with four.
      enough: { fixture, limits: { subtasks: 1, streams: 33 } },
      less: { fixture, limits: { streams: 32 } },
    },
  });
  const ask = async (name: string) => {
    await (await server.fetch(`/${name}/`, { headers: { "x-request-id": name } })).body?.cancel();
    const { fields } = await server.outcome(name);
    return [fields!["code"], fields!["limits"]];
  };
  expect(await ask("enough")).toEqual(["guest-error", undefined]);
  expect(await ask("less")).toEqual(["guest-trapped", { streams: 1 }]);
});
