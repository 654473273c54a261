import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { withTask } from "../../runtime/context.ts";
import { MemoryGate } from "../../runtime/memory.ts";
import { Fields } from "../../runtime/http/fields.ts";
import { onEachEngine, serve } from "./_serve.ts";

const allow = (...names: string[]) => ({ http: { allow: names.map((name) => `http://${name}.internal`) } });
const url = (name: string, path: string) => encodeURIComponent(`http://${name}.internal/${path}`);

onEachEngine(
  "a function calls its neighbour without the network, in a task of the same id and trace",
  async (engine) => {
    await using server = await serve({
      engine,
      guests: {
        caller: { fixture: "c-http", grants: allow("callee", "callee3", "nobody") },
        caller3: { fixture: "c-p3", grants: allow("callee") },
        callee: { fixture: "c-http", env: { NAME: "callee" } },
        callee3: { fixture: "c-p3" },
      },
    });
    const ask = async (path: string, id = "n1") =>
      await (await server.request(path, { headers: { "x-request-id": id } })).text();
    expect(await ask(`/caller/outgoing?url=${url("callee", "hello")}`)).toContain("hello\n");
    expect(await ask(`/caller/outgoing?url=${url("callee3", "hello")}`)).toContain("hello\n");
    expect(await ask(`/caller3/outgoing?url=${url("callee", "hello")}`)).toContain("hello\n");
    expect(await ask(`/caller/outgoing?url=${url("callee", "env")}`)).toContain("NAME=callee");
    const seen = await ask(`/caller/outgoing?url=${url("callee", "method-path?x=%20")}`);
    expect(seen).toMatch(/path=\/method-path\?x=%20[^]*scheme=http[^]*authority=callee\.internal/);
    await server.outcome("n1");
    const traces = new Set(server.recordsOf("n1").map(({ trace }) => trace));
    expect(new Set(server.recordsOf("n1").map(({ function: name }) => name)).size).toBeGreaterThan(2);
    expect(traces.size).toBe(5); // One for each request from outside, none for the calls inside.
    expect(await ask(`/caller/outgoing?url=${url("nobody", "")}`)).toMatch(/destination-not-found/);
  },
);

onEachEngine("a neighbour needs the grant like any other origin", async (engine) => {
  await using server = await serve({
    engine,
    guests: { caller: { fixture: "c-http", grants: allow("other") }, callee: { fixture: "c-http" } },
  });
  const response = await server.request(`/caller/outgoing?url=${url("callee", "hello")}`);
  expect(await response.text()).toMatch(/HTTP-request-denied/);
});

onEachEngine("bodies stream and trailers pass between functions", async (engine) => {
  await using server = await serve({
    engine,
    guests: { caller: { fixture: "c-http", grants: allow("callee") }, callee: { fixture: "c-http" } },
  });
  const sent = "0123456789".repeat(20_000);
  const echoed = await server.fetch(`/caller/outgoing?method=POST&body=1&url=${url("callee", "echo")}`, {
    method: "POST",
    body: sent,
  });
  expect(echoed.status).toBe(200);
  // No transport of Deno's has trailers, so they are looked at inside: as the task of a waiting caller gets them.
  const controller = new AbortController();
  const waiting = server.fetch("/caller/never", { signal: controller.signal }).catch(() => {});
  while (server.runtime.tasks.size === 0) await new Promise((done) => setTimeout(done, 1));
  const [task] = server.runtime.tasks;
  const request = { method: "GET", scheme: "http", authority: "callee.internal", fields: new Fields(), body: null };
  const { body } = await withTask(
    task!,
    () => task!.callNeighbour!("callee", { ...request, pathWithQuery: "/trailers" }),
  );
  while (body!.source.state === "open") {
    if (body!.source.take(1000).byteLength === 0) await new Promise((done) => setTimeout(done, 1));
  }
  const trailers = await body!.trailers;
  expect(new TextDecoder().decode(trailers!.get("x-checksum")[0])).toBe("abc123");
  expect(trailers!.get("x-note").length).toBe(2);
  controller.abort();
  await waiting;
});

onEachEngine("functions that call each other in a circle are stopped", async (engine) => {
  await using server = await serve({ engine, guests: { caller: { fixture: "c-http", grants: allow("caller") } } });
  let path = "hello";
  for (let i = 0; i < 12; i++) path = `outgoing?url=${url("caller", path)}`;
  expect(await (await server.request(`/caller/${path}`)).text()).toMatch(/loop-detected/);
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  const met = server.records.flatMap(({ fields }) => fields?.["limits"] ?? []);
  expect(met).toEqual([{ "request.callDepth": 1 }]);
});

onEachEngine("a neighbour that fails fails the call, not the caller", async (engine) => {
  await using server = await serve({
    engine,
    guests: { caller: { fixture: "c-http", grants: allow("callee") }, callee: { fixture: "c-http" } },
  });
  const response = await server.request(`/caller/outgoing?url=${url("callee", "trap")}`);
  expect(await response.text()).toMatch(/destination-unavailable/);
  expect(response.status).toBe(200);
});

onEachEngine(
  "requests that call a neighbour do not wait for each other's places, nor for their memory",
  async (engine) => {
    const admissions = {
      places: new Admission({ isolates: 4 }),
      memory: new Admission({ isolates: 1000, memory: new MemoryGate({ bytes: 2 ** 30, memories: 4 }) }),
    };
    for (const [scarce, admission] of Object.entries(admissions)) {
      await using server = await serve({
        engine,
        admission,
        guests: {
          outer: { fixture: "c-http", grants: allow("inner") },
          inner: { fixture: "c-http", grants: allow("leaf") },
          leaf: { fixture: "c-http" },
        },
      });
      const path = `/outer/outgoing?url=${url("inner", `outgoing?url=${url("leaf", "sleep?ms=5")}`)}`;
      // All at once and without a socket in between: the first of them take all places before any has come to a call.
      const ask = async () => /slept 5|error|\{.*/.exec(await (await server.request(path)).text())?.[0];
      const answers = await Promise.all(Array.from({ length: 12 }, ask));
      expect([scarce, ...new Set(answers)]).toEqual([scarce, "slept 5"]);
      while (admission.running > 0) await new Promise((done) => setTimeout(done, 1));
      expect([admission.waiting, admission.memory.used]).toEqual([0, 0]);
    }
  },
);
