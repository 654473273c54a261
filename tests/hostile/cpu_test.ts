import { expect } from "@std/expect";
import { type EngineName, ENGINES, HostileServer } from "./_server.ts";

/** More than any machine counts to before a test's end. */
const FOR_EVER = "spin?n=1000000000000000";

function onEachEngine(name: string, body: (engine: EngineName) => Promise<void>): void {
  for (const engine of ENGINES) Deno.test(`${engine}: ${name}`, () => body(engine));
}

onEachEngine("others are served while guests spin", async (engine) => {
  await using server = await HostileServer.start({
    engine,
    guests: {
      spinner: { fixture: "c-http", limits: { cpuMs: 3_600_000, wallMs: 3_600_000 } },
      quiet: { fixture: "c-http" },
    },
  });
  const callers = new AbortController();
  const spinning = ["a", "b", "c", "d"].map((id) =>
    server.fetch(`/spinner/${FOR_EVER}`, { headers: { "x-request-id": id }, signal: callers.signal })
      .then(() => "answered", () => "left")
  );
  await server.stateUntil("four guests spin", ({ tasks }) => tasks === 4);
  for (let i = 0; i < 3; i++) expect((await server.get("/quiet/hello")).body).toBe("hello\n");
  expect((await server.state()).tasks).toBe(4);
  callers.abort();
  expect(await Promise.all(spinning)).toEqual(["left", "left", "left", "left"]);
  await server.stateUntil("no task is left", ({ tasks }) => tasks === 0);
});

onEachEngine("guests that spin meet their CPU limit, however many of them there are", async (engine) => {
  await using server = await HostileServer.start({
    engine,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 300 } } },
  });
  await Promise.all(["a", "b", "c", "d"].map(async (id) => {
    const { status, body } = await server.get(`/spinner/${FOR_EVER}`, { headers: { "x-request-id": id } });
    expect([status, JSON.parse(body).error.code]).toEqual([504, "cpu-limit"]);
    const { fields, message } = await server.outcome(id);
    expect(message).toContain("limits.cpuMs");
    expect(fields!["cpuMs"]).toBeGreaterThan(300);
  }));
});

onEachEngine("a guest that spins past its deadline ends at it", async (engine) => {
  await using server = await HostileServer.start({
    engine,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 60_000, wallMs: 200 } } },
  });
  const { status, body } = await server.get(`/spinner/${FOR_EVER}`);
  expect([status, JSON.parse(body).error.code]).toEqual([504, "deadline-exceeded"]);
});

onEachEngine("a guest that spins ends when its caller has gone", async (engine) => {
  await using server = await HostileServer.start({
    engine,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 3_600_000, wallMs: 3_600_000 } } },
  });
  const caller = new AbortController();
  const headers = { "x-request-id": "leaving" };
  const spinning = server.fetch(`/spinner/${FOR_EVER}`, { signal: caller.signal, headers }).catch(() => undefined);
  await server.stateUntil("the guest spins", ({ tasks }) => tasks === 1);
  caller.abort();
  await spinning;
  expect((await server.outcome("leaving")).fields!["code"]).toBe("caller-gone");
});

onEachEngine("the log says how long a guest has computed", async (engine) => {
  await using server = await HostileServer.start({ engine, guests: { "c-http": { fixture: "c-http" } } });
  const headers = { "x-request-id": "measured" };
  await server.get("/c-http/sleep?ms=300", { headers });
  const { fields } = await server.outcome("measured");
  expect(fields!["cpuMs"]).toBeGreaterThan(0);
  // What it sleeps is not its computing.
  expect(fields!["cpuMs"]).toBeLessThan(fields!["ms"] as number - 250);
});

onEachEngine("without a limit, these tests would fail and not hang", async (engine) => {
  await using server = await HostileServer.start({
    engine,
    meter: false,
    patienceMs: 1000,
    guests: { spinner: { fixture: "c-http", limits: { cpuMs: 100 } } },
  });
  await expect(server.get(`/spinner/${FOR_EVER}`)).rejects.toThrow(/A limit does not hold/);
});
