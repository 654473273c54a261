/**
 * Functions that are called by the clock, through both engines. No test waits for it: each moves a clock of its own.
 *
 * @module
 */
import { expect } from "@std/expect";
import type { LogRecord } from "../../runtime/log.ts";
import { onEachEngine } from "../http/_serve.ts";
import { FakeClock, type Guest, serveTriggers, testDatabase, type TriggerServer } from "./_serve.ts";

/** A function with one schedule. */
const guest = (schedule: Record<string, unknown>, rest: Record<string, unknown> = {}): Guest => ({
  fixture: "c-queue",
  schedule: [{ name: "nightly", cron: "0 3 * * *", ...schedule }],
  grants: { log: {}, queue: { send: [] } },
  ...rest,
});
const NIGHTLY = "skerry:c-queue/jobs#nightly";
const SLOW = "skerry:c-queue/jobs#slow";

/** The record of the end of a run, by the task's id. */
const ended = (id: string) => (records: readonly LogRecord[]) =>
  records.find(({ task, fields }) => task === id && fields?.["ms"] !== undefined);
const said = (text: string) => (records: readonly LogRecord[]) => records.find(({ message }) => message.includes(text));
const runs = (server: TriggerServer) => server.logged("job").length;

onEachEngine("a schedule calls a path with a POST at its minute in UTC, in a task of its own", async (engine) => {
  const clock = new FakeClock("2026-01-01T02:59:30Z");
  await using server = await serveTriggers({ engine, clock, guests: { jobs: guest({ path: "/job?a=b" }) } });
  await clock.asleep(1);
  clock.set("2026-01-01T02:59:59Z");
  expect(runs(server)).toBe(0);
  clock.set("2026-01-01T03:00:00Z");
  const end = await server.until(ended("nightly@2026-01-01T03:00Z"));
  expect([end.level, end.message, end.function]).toEqual(["info", "schedule nightly", "jobs"]);
  expect(server.logged("job")).toEqual([
    "post /job?a=b:  x-skerry-schedule=nightly x-skerry-scheduled-at=2026-01-01T03:00:00.000Z",
  ]);
  await clock.asleep(1);
  clock.set("2026-01-02T03:00:01Z");
  await server.until(ended("nightly@2026-01-02T03:00Z"));
  expect(runs(server)).toBe(2);
});

onEachEngine("a schedule calls a guest in TypeScript, with what it was granted", async (engine) => {
  const clock = new FakeClock("2026-01-01T02:59:30Z");
  const schedule = [{ name: "nightly", cron: "0 3 * * *", path: "/?key=greeting" }];
  const grants = { log: {}, config: { values: { greeting: "good night" } } };
  await using server = await serveTriggers({
    engine,
    clock,
    guests: { jobs: { fixture: "qjs-caps", schedule, grants } },
  });
  await clock.asleep(1);
  clock.set("2026-01-01T03:00:00Z");
  const end = await server.until(ended("nightly@2026-01-01T03:00Z"));
  expect([end.level, end.message, end.function]).toEqual(["info", "schedule nightly", "jobs"]);
  expect(server.logged("qjs")).toEqual(["debug: good night", "info: good night"]);
});

onEachEngine("a schedule calls an exported function, and what it answers is logged", async (engine) => {
  const clock = new FakeClock("2026-01-01T02:59:30Z");
  await using server = await serveTriggers({
    engine,
    clock,
    guests: { jobs: guest({ export: NIGHTLY }), bad: guest({ export: "skerry:c-queue/jobs#nothing" }) },
  });
  await clock.asleep(2);
  clock.set("2026-01-01T03:00:00Z");
  const record = await server.until((records) => records.find(({ source }) => source === "log:job"));
  expect([record.message, record.task, record.function]).toEqual(["nightly", "nightly@2026-01-01T03:00Z", "jobs"]);
  const failure = await server.until(said("exports no"));
  expect([failure.level, failure.message]).toEqual([
    "error",
    "schedule nightly component-no-handler: calling bad: it exports no skerry:c-queue/jobs#nothing",
  ]);
  // A run that failed keeps none of the next ones.
  await clock.asleep(2);
  clock.set("2026-01-02T03:00:00Z");
  await server.until((records) => records.filter(({ message }) => message.includes("exports no")).length === 2);
});

onEachEngine("of several machines one has each run", async (engine) => {
  using kv = await testDatabase();
  const clocks = [1, 2, 3].map(() => new FakeClock("2026-01-01T02:59:30Z"));
  const servers = await Promise.all(
    clocks.map((clock) => serveTriggers({ engine, kv, clock, guests: { jobs: guest({ export: NIGHTLY }) } })),
  );
  for (const day of ["01", "02", "03"]) {
    await Promise.all(clocks.map((clock) => clock.asleep(1)));
    for (const clock of clocks) clock.set(`2026-01-${day}T03:00:00Z`);
    await Promise.race(servers.map((server) => server.until(ended(`nightly@2026-01-${day}T03:00Z`))));
  }
  await Promise.all(clocks.map((clock) => clock.asleep(1)));
  expect(servers.reduce((sum, server) => sum + runs(server), 0)).toBe(3);
  for (const server of servers) await server[Symbol.asyncDispose]();
});

onEachEngine(
  "a run is skipped while the one before it goes on, here or elsewhere, and one machine says so",
  async (engine) => {
    using kv = await testDatabase();
    const clocks = [new FakeClock("2026-01-01T00:00:30Z"), new FakeClock("2026-01-01T00:00:30Z")];
    const slow = guest({ cron: "* * * * *", export: SLOW });
    const one = await serveTriggers({ engine, kv, clock: clocks[0]!, guests: { jobs: slow } });
    const two = await serveTriggers({ engine, kv, clock: clocks[1]!, guests: { jobs: slow } });
    await Promise.all(clocks.map((clock) => clock.asleep(1)));
    clocks[0]!.set("2026-01-01T00:01:00Z");
    await one.until((records) => records.some(({ source }) => source === "log:job"));
    clocks[1]!.set("2026-01-01T00:01:00Z");
    await Promise.all(clocks.map((clock) => clock.asleep(1)));
    clocks[1]!.set("2026-01-01T00:02:00Z");
    await two.until(said("the run of 2026-01-01T00:02Z is skipped: the one before it still goes on"));
    clocks[0]!.set("2026-01-01T00:02:00Z");
    await clocks[0]!.asleep(1);
    expect([runs(one), runs(two), said("skipped")(one.records)]).toEqual([1, 0, undefined]);
    // Its machine is gone, and its time is over: the next run is had again.
    await one[Symbol.asyncDispose]();
    await clocks[1]!.asleep(1);
    clocks[1]!.set("2026-01-01T00:03:00Z");
    await two.until((records) => records.some(({ source }) => source === "log:job"));
    await two[Symbol.asyncDispose]();
  },
);

onEachEngine("runs that were missed are told, and made up for once if the manifest says so", async (engine) => {
  using kv = await testDatabase();
  const guests = {
    jobs: guest({ export: NIGHTLY }),
    keen: guest({ export: NIGHTLY, catchUp: true }),
  };
  {
    const clock = new FakeClock("2026-01-01T02:59:30Z");
    await using _server = await serveTriggers({ engine, kv, clock, guests });
    await clock.asleep(2);
  }
  const clock = new FakeClock("2026-01-04T12:00:00Z");
  await using server = await serveTriggers({ engine, kv, clock, guests });
  await server.until(ended("nightly@2026-01-04T03:00Z"));
  await clock.asleep(2);
  expect(server.records.filter(({ source }) => source === "log:job").map(({ function: name }) => name)).toEqual([
    "keen",
  ]);
  expect(
    server.records.filter(({ level }) => level === "warn").map(({ function: name, message }) => [name, message]).sort(),
  )
    .toEqual(
      ["jobs", "keen"].map((
        name,
      ) => [name, "schedule nightly: 4 runs were missed since 2026-01-01T02:59Z, as no server was there"]),
    );
});

onEachEngine("a server that starts within the minute of a run has not missed it", async (engine) => {
  using kv = await testDatabase();
  const guests = { jobs: guest({ export: NIGHTLY }) };
  {
    const clock = new FakeClock("2026-01-01T02:59:50Z");
    await using _server = await serveTriggers({ engine, kv, clock, guests });
    await clock.asleep(1);
  }
  for (let restart = 0; restart < 2; restart++) {
    const clock = new FakeClock("2026-01-01T03:00:20Z");
    await using server = await serveTriggers({ engine, kv, clock, guests });
    if (restart === 0) await server.until(ended("nightly@2026-01-01T03:00Z"));
    await clock.asleep(1);
    expect(runs(server)).toBe(1 - restart);
  }
});

onEachEngine("a machine that stood still says what it missed", async (engine) => {
  const clock = new FakeClock("2026-01-01T02:59:30Z");
  await using server = await serveTriggers({ engine, clock, guests: { jobs: guest({ export: NIGHTLY }) } });
  await clock.asleep(1);
  clock.set("2026-01-03T09:00:00Z");
  await server.until(said("the run of 2026-01-03T03:00Z was missed while this machine stood still"));
  expect(said("2 runs were missed while this machine stood still")(server.records)).toBeDefined();
  expect(runs(server)).toBe(0);
});

onEachEngine("a schedule follows its manifest, and stops with its function", async (engine) => {
  const clock = new FakeClock("2026-01-01T00:00:30Z");
  await using server = await serveTriggers({ engine, clock, guests: { jobs: guest({ export: NIGHTLY }) } });
  await clock.asleep(1);
  await server.change("jobs", guest({ cron: "0 1 * * *", export: NIGHTLY }));
  await clock.asleep(1);
  clock.set("2026-01-01T01:00:00Z");
  await server.until(ended("nightly@2026-01-01T01:00Z"));
  await server.change("jobs", {
    fixture: "c-queue",
    routes: [{ path: "/" }],
    grants: { log: {}, queue: { send: [] } },
  });
  clock.set("2026-01-02T01:00:00Z");
  clock.set("2026-01-02T03:00:00Z");
  await server.ask("/");
  expect(runs(server)).toBe(1);
});

onEachEngine("where the platform has a cron, that wakes the function", async (engine) => {
  const clock = new FakeClock("2026-01-01T00:00:30Z");
  const registered: { name: string; expression: string; signal: AbortSignal; wake: () => Promise<void> }[] = [];
  await using server = await serveTriggers({
    engine,
    clock,
    platform: (name, expression, { signal }, wake) => {
      registered.push({ name, expression, signal, wake });
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
    guests: { jobs: guest({ cron: "0 3 1 * 1", export: NIGHTLY }) },
  });
  while (registered.length < 2) await new Promise((done) => setTimeout(done, 1));
  expect(registered.map(({ name, expression }) => [name, expression])).toEqual([
    ["jobs nightly", "0 3 1 * *"],
    ["jobs nightly 1", "0 3 * * MON"],
  ]);
  clock.set("2026-01-05T03:00:02Z");
  await registered[1]!.wake();
  expect(runs(server)).toBe(1);
  // Told twice, it is run once; told at another time, not at all.
  await registered[0]!.wake();
  clock.set("2026-01-06T03:00:00Z");
  await registered[0]!.wake();
  expect(runs(server)).toBe(1);
  await server.change("jobs", {
    fixture: "c-queue",
    routes: [{ path: "/" }],
    grants: { log: {}, queue: { send: [] } },
  });
  while (!registered[0]!.signal.aborted) await new Promise((done) => setTimeout(done, 1));
});

onEachEngine("a command runs on a schedule, and its exit code says how it went", async (engine) => {
  const clock = new FakeClock("2026-01-01T02:59:30Z");
  const command = (env: Record<string, string>): Guest => ({
    fixture: "c-command",
    schedule: [{ name: "nightly", cron: "0 3 * * *", export: "wasi:cli/run#run" }],
    env,
  });
  await using server = await serveTriggers({
    engine,
    clock,
    guests: {
      good: command({ GREETING: "good morning" }),
      zero: command({ EXIT: "0" }),
      three: command({ EXIT: "3" }),
      // Who has no HTTP handler is not reached by HTTP, and nothing else breaks.
      caller: { fixture: "c-http", routes: [{ path: "/*" }], grants: { http: { allow: ["http://good.internal"] } } },
    },
  });
  await clock.asleep(3);
  clock.set("2026-01-01T03:00:00Z");
  const ends = await server.until((records) => {
    const ends = records.filter(({ fields }) => fields?.["ms"] !== undefined);
    return ends.length === 3 && ends;
  });
  expect(Object.fromEntries(ends.map(({ function: name, message }) => [name, message]))).toEqual({
    good: "schedule nightly",
    zero: "schedule nightly",
    three: expect.stringMatching(/^schedule nightly guest-e/),
  });
  const said = server.records.filter(({ source }) => source === "stdout").map(({ message }) => message);
  expect(said.sort()).toEqual(["good morning from a command", "hello from a command", "hello from a command"]);
  expect(await server.ask("/outgoing?url=http%3A%2F%2Fgood.internal%2F")).toBe("response: destination-unavailable\n");
});
