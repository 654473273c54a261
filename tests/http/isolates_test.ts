import { expect } from "@std/expect";
import type { Fixture } from "../fixtures/mod.ts";
import { onEachEngine, serve } from "./_serve.ts";

const BOTH: readonly Fixture[] = ["c-http", "c-p3"];
const guests = { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } } as const;

/** Requests at once. Generated code takes milliseconds to make an isolate, and a test should not take minutes. */
const MANY: Readonly<Record<string, number>> = { jco: 200, native: 1000 };

onEachEngine("guests sleep at once, a thousand of them", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const guest of BOTH) {
    // Together they sleep for longer than any of them may take, and none of them could were one to block another.
    const all = Array.from({ length: MANY[engine.name]! }, () => server.request(`/${guest}/sleep?ms=2000`));
    expect(server.runtime.tasks.size).toBe(MANY[engine.name]);
    const texts = await Promise.all(all.map(async (response) => await (await response).text()));
    expect(texts.every((text) => text.startsWith("slept"))).toBe(true);
    // A task may end after its answer.
    while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  }
});

onEachEngine("a guest waits for a thousand pollables at once", async (engine) => {
  await using server = await serve({ engine, guests });
  const text = await (await server.request("/c-http/poll-many?n=1000&ms=1&spread=20")).text();
  expect(text).toContain("1000");
});

onEachEngine("the response begins while the guest still runs, and the guest may go on after it", async (engine) => {
  await using server = await serve({ engine, guests });
  const response = await server.fetch("/c-http/response-then-continue?chunks=3&ms=50&after=50", {
    headers: { "x-request-id": "then" },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader.read();
  expect(first.value).toMatch(/^piece 0/);
  expect(server.recordsOf("then").some(({ message }) => message.includes("after the response"))).toBe(false);
  while (!(await reader.read()).done);
  await server.outcome("then");
  expect(server.recordsOf("then").map(({ message }) => message).join()).toContain("after the response");
});

onEachEngine("a caller who leaves ends the isolate", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const path of ["c-http/never", "c-http/never?headers=1", "c-p3/never", "c-http/big?bytes=1000000000"]) {
    const controller = new AbortController();
    const id = path.replaceAll(/\W/g, "-");
    const response = server.fetch(`/${path}`, { signal: controller.signal, headers: { "x-request-id": id } });
    // Wait until the guest is in the middle of it.
    while (server.runtime.tasks.size === 0) await new Promise((done) => setTimeout(done, 5));
    if (path.includes("headers") || path.includes("big")) await (await response).body!.getReader().read();
    controller.abort();
    await response.then((r) => r.body?.cancel(), () => {}).catch(() => {});
    expect((await server.outcome(id)).fields?.["code"]).toBe("caller-gone");
    expect(server.runtime.tasks.size).toBe(0);
  }
});

onEachEngine("a slow reader slows the guest", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const guest of BOTH) {
    const response = await server.request(`/${guest}/big?bytes=200000000&chunk=60000`, {
      headers: { "x-request-id": `slow-${guest}` },
    });
    const reader = response.body!.getReader();
    await reader.read();
    const task = [...server.runtime.tasks].find(({ id }) => id === `slow-${guest}`)!;
    const calls = () => task.calls.values().reduce((sum, count) => sum + count, 0);
    // As long as it writes: all of it would be thousands of calls.
    for (let before = -1; before < calls();) {
      before = calls();
      for (let i = 0; i < 50; i++) await new Promise((done) => setTimeout(done));
    }
    expect([guest, task.ended]).toEqual([guest, false]);
    expect(calls()).toBeLessThan(300);
    await reader.cancel();
    await server.outcome(`slow-${guest}`);
  }
});

onEachEngine("not one host call is attributed to another's task", async (engine) => {
  await using upstream = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await new Promise((done) => setTimeout(done, Math.random() * 10));
    return new Response(request.headers.get("x-request-id"));
  });
  const grants = { http: { allow: [`http://127.0.0.1:${upstream.addr.port}`] } };
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http", grants }, "c-p3": { fixture: "c-p3", grants } },
  });
  const url = encodeURIComponent(`http://127.0.0.1:${upstream.addr.port}/`);
  const paths: readonly ((n: number) => string)[] = [
    (n) => `sleep?ms=${n % 20}`,
    (n) => `stdout?text=line-of-r${n}`,
    () => `outgoing?url=${url}`,
    () => "trap",
    () => "trap-mid-body",
    (n) => `big?bytes=${n * 10}&chunk=500`,
  ];
  const wrong: string[] = [];
  const calls = new Map<string, Set<number>>();
  const TOTAL = 4 * MANY[engine.name]!;
  const AT_ONCE = 200;
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < TOTAL) {
      const n = next++;
      const id = `r${n}`;
      const path = paths[n % paths.length]!(n);
      const guest = BOTH[Math.floor(n / paths.length) % 2]!;
      const response = await server.request(`/${guest}/${path}`, { headers: { "x-request-id": id } });
      const text = await response.text().catch(() => "broken off");
      if (response.headers.get("x-request-id") !== id) {
        wrong.push(`${id}: answered as ${response.headers.get("x-request-id")}`);
      }
      if (path.startsWith("outgoing") && text !== id) wrong.push(`${id}: went out as ${text}`);
      const outcome = await server.outcome(id);
      // The same work makes the same host calls: one too many or too few would be another request's.
      const kind = `${guest} ${path.split("?")[0]}`;
      if (!/outgoing|big|sleep/.test(kind)) {
        calls.set(kind, (calls.get(kind) ?? new Set()).add(Number(outcome.fields?.["calls"])));
      }
      const lines = server.recordsOf(id).filter(({ source }) => source === "stdout").map(({ message }) => message);
      if (guest === "c-http" && path.startsWith("stdout") && lines.join() !== `line-of-${id}`) {
        wrong.push(`${id}: logged ${lines.join()}`);
      }
      if (server.recordsOf(id).some((record) => record.function !== guest)) {
        wrong.push(`${id}: another function's record`);
      }
    }
  }));
  expect(wrong).toEqual([]);
  for (const [kind, counts] of calls) expect([kind, counts.size]).toEqual([kind, 1]);
});
