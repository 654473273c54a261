import { expect } from "@std/expect";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { serve } from "../http/_serve.ts";

const engine = nativeEngine;
/** More than any machine counts to before a test's end. */
const FOR_EVER = "spin?n=1000000000000000";

Deno.test("a guest that spins meets its CPU limit, and others are served meanwhile", async () => {
  await using server = await serve({
    engine,
    guests: {
      spinner: { fixture: "c-http", limits: { cpuMs: 1000 } },
      quiet: { fixture: "c-http" },
    },
  });
  let over = 0;
  const spinning = Array.from({ length: 4 }, async () => {
    const response = await server.fetch(`/spinner/${FOR_EVER}`);
    over++;
    return [response.status, (await response.json()).error.code, response.headers.get("x-request-id")!];
  });
  while (server.runtime.tasks.size < 4) await new Promise((done) => setTimeout(done));
  // Four spinners of a second each leave room for more than one answer before the first of them ends.
  let served = 0;
  while (over === 0) {
    expect(await (await server.fetch("/quiet/hello")).text()).toBe("hello\n");
    served++;
  }
  expect(served).toBeGreaterThan(1);
  for (const [status, code, id] of await Promise.all(spinning)) {
    expect([status, code]).toEqual([504, "cpu-limit"]);
    const { fields, message } = await server.outcome(id);
    expect(message).toContain("limits.cpuMs");
    expect(fields!["cpuMs"]).toBeGreaterThan(1000);
  }
});

Deno.test("a guest that spins past its deadline ends at it", async () => {
  await using server = await serve({
    engine,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 60_000, wallMs: 200 } } },
  });
  const response = await server.fetch(`/spinner/${FOR_EVER}`);
  expect([response.status, (await response.json()).error.code]).toEqual([504, "deadline-exceeded"]);
});

Deno.test("a guest that spins ends when its caller has gone", async () => {
  await using server = await serve({
    engine,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 3_600_000, wallMs: 3_600_000 } } },
  });
  const caller = new AbortController();
  const headers = { "x-request-id": "leaving" };
  const spinning = server.fetch(`/spinner/${FOR_EVER}`, { signal: caller.signal, headers }).catch(() => undefined);
  while (server.runtime.tasks.size === 0) await new Promise((done) => setTimeout(done));
  caller.abort();
  await spinning;
  expect((await server.outcome("leaving")).fields!["code"]).toBe("caller-gone");
});

Deno.test("the log says how long a guest has computed", async () => {
  await using server = await serve({ engine, guests: { "c-http": { fixture: "c-http" } } });
  const headers = { "x-request-id": "measured" };
  await (await server.fetch("/c-http/sleep?ms=300", { headers })).text();
  const { fields } = await server.outcome("measured");
  expect(fields!["cpuMs"]).toBeGreaterThan(0);
  // What it sleeps is not its computing.
  expect(fields!["cpuMs"]).toBeLessThan(fields!["ms"] as number - 250);
});
