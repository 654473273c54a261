import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { onEachEngine, serve } from "../http/_serve.ts";

/** Resolves when so many requests wait. */
async function untilWaiting(admission: Admission, count: number): Promise<void> {
  while (admission.waiting !== count) await new Promise((done) => setTimeout(done, 5));
}

onEachEngine(
  "a function that has all its isolates lets one request wait, refuses the next, and others serve on",
  async (engine) => {
    const admission = new Admission({ isolates: 100 });
    await using server = await serve({
      engine,
      admission,
      guests: {
        busy: { fixture: "c-http", limits: { isolates: 1, queue: 1, queueWaitMs: 60_000 } },
        quiet: { fixture: "c-http" },
      },
    });
    const caller = new AbortController();
    const first = server.fetch("/busy/never", { signal: caller.signal }).catch(() => undefined);
    while (admission.running === 0) await new Promise((done) => setTimeout(done, 5));
    const second = server.fetch("/busy/hello");
    await untilWaiting(admission, 1);
    const third = await server.fetch("/busy/hello");
    expect([third.status, (await third.json()).error.code]).toEqual([429, "function-busy"]);
    expect(third.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await (await server.fetch("/quiet/hello")).text()).toBe("hello\n");
    caller.abort();
    await first;
    expect(await (await second).text()).toBe("hello\n");
    while (admission.running > 0) await new Promise((done) => setTimeout(done, 5));
  },
);

onEachEngine("a caller who leaves while it waits gives its place in the line up", async (engine) => {
  const admission = new Admission({ isolates: 1 });
  await using server = await serve({ engine, admission, guests: { "c-http": { fixture: "c-http" } } });
  const leaving = new AbortController();
  const holder = new AbortController();
  const first = server.fetch("/c-http/never", { signal: holder.signal }).catch(() => undefined);
  while (admission.running === 0) await new Promise((done) => setTimeout(done, 5));
  const second = server.fetch("/c-http/hello", { signal: leaving.signal }).catch(() => undefined);
  await untilWaiting(admission, 1);
  leaving.abort();
  await second;
  await untilWaiting(admission, 0);
  holder.abort();
  await first;
  expect(await (await server.fetch("/c-http/hello")).text()).toBe("hello\n");
});

onEachEngine("a place is given back however an isolate ends", async (engine) => {
  const admission = new Admission({ isolates: 1 });
  await using server = await serve({
    engine,
    admission,
    guests: { "c-http": { fixture: "c-http", limits: { wallMs: 300 } } },
  });
  for (const path of ["hello", "trap", "exit", "no-response", "set-error", "never", "trap-after-headers", "echo"]) {
    await server.fetch(`/c-http/${path}`).then((response) => response.body?.cancel(), () => {});
  }
  while (admission.running > 0) await new Promise((done) => setTimeout(done, 5));
  expect(admission.waiting).toBe(0);
});

onEachEngine("a request that waits too long for a place is told to come back", async (engine) => {
  await using server = await serve({
    engine,
    admission: new Admission({ isolates: 1 }),
    guests: { "c-http": { fixture: "c-http", limits: { queueWaitMs: 10 } } },
  });
  const caller = new AbortController();
  const first = server.fetch("/c-http/never", { signal: caller.signal }).catch(() => undefined);
  while (server.runtime.tasks.size === 0) await new Promise((done) => setTimeout(done, 5));
  const second = await server.fetch("/c-http/hello");
  expect([second.status, (await second.json()).error.code]).toEqual([503, "overloaded"]);
  caller.abort();
  await first;
});
