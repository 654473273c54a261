import { expect } from "@std/expect";
import type { Guest } from "../http/_serve.ts";
import { MAX_UNYIELDING_MS } from "../../runtime/engine/metering.ts";
import { type EngineName, ENGINES, HostileServer } from "./_server.ts";

/** A component of `guests/`, whose source says what it does. */
const own = (name: string) => new URL(`guests/${name}.wasm`, import.meta.url);

interface Hostile {
  readonly name: string;
  readonly guest: Guest;
  readonly path?: string;
  readonly init?: RequestInit;
  /** More than one where it may be any of them. */
  readonly status: number | readonly number[];
  /** The platform's own answer; otherwise the guest's. */
  readonly code?: string | undefined;
  readonly log?: RegExp;
  /** A limit that it met and lived on. */
  readonly met?: string;
  /** The engines that come as far as that; jco ends before, with an error of its own, or cannot be built of it. */
  readonly engines?: readonly EngineName[];
  /** Whether others run while it does, for as long as it does. */
  readonly yields?: boolean;
}

/** Spins where it cannot be suspended: others wait, but not for long. */
const spins = (name: string): Hostile => ({
  name,
  guest: { fixture: own(name), limits: { cpuMs: 100 } },
  status: 504,
  code: "cpu-limit",
  log: /CPU time|cannot be suspended/,
});

/** Spins where it is suspended, so that it comes to more than it could have without a pause. */
const yields = (name: string, more: Partial<Hostile> = {}): Hostile => ({
  name,
  guest: { fixture: own(name), limits: { cpuMs: MAX_UNYIELDING_MS + 50 } },
  status: 504,
  code: "cpu-limit",
  log: /of CPU time \(limits\.cpuMs\)/,
  yields: true,
  ...more,
});

const fillsHeap = (name: string): Hostile => ({
  name,
  guest: { fixture: own(name), limits: { memoryMb: 1, cpuMs: 60_000 } },
  status: 500,
  code: "guest-trapped",
  log: /its objects take \d+ MiB \(limits\.memoryMb is 1\)|no room for its objects/,
});

const tooMany = (name: string, limit: "handles" | "streams" | "subtasks"): Hostile => ({
  name: `${name}, of ${limit}`,
  guest: { fixture: own(name), limits: { [limit]: 1000 } },
  status: 500,
  code: "guest-trapped",
  log: new RegExp(`limits\\.${limit}`),
});

const HOSTILE: readonly Hostile[] = [
  ...["start", "start_table", "realloc", "post_return", "destructor"].map(spins),
  { ...spins("composed_start"), engines: ["native"] },
  {
    ...spins("realloc"),
    name: "realloc, with all the CPU time it may want",
    guest: { fixture: own("realloc"), limits: { cpuMs: 3_600_000 } },
    log: /cannot be suspended/,
  },
  ...["recursion", "host_calls", "catches", "fills", "fills_table", "tail_calls", "timers"].map((name) => yields(name)),
  // What takes long here the host does.
  ...["random", "polls_ready", "fields_clone"].map((name) => yields(name)),
  { ...yields("throws"), engines: ["native"] },
  ...["composed_callee", "composed_caller", "composed_async_callee", "composed_async_caller"].map((name) =>
    yields(name)
  ),
  // On jco none of its calls returns at once, and it drops none of them.
  yields("composed_async_calls", {
    guest: {
      fixture: own("composed_async_calls"),
      limits: { cpuMs: MAX_UNYIELDING_MS + 50, subtasks: 1_000_000, handles: 10_000_000 },
    },
  }),
  ...["p3_entry", "p3_callback", "p3_timer", "p3_stackful", "p3_zero", "p3_cancels"].map((name) => yields(name)),
  { ...yields("p3_futures"), engines: ["native"] },
  yields("p3_body", { init: { method: "POST", body: "some bytes" } }),
  yields("answers", { status: 200, code: undefined, yields: false }),
  {
    name: "writes",
    guest: { fixture: own("writes"), limits: { responseBodyBytes: 1_000_000, cpuMs: 60_000 } },
    status: 200,
    log: /limits\.responseBodyBytes/,
  },
  {
    name: "p3_yields",
    guest: { fixture: own("p3_yields"), limits: { wallMs: 300 } },
    status: 504,
    code: "deadline-exceeded",
  },
  ...["gc_structs", "gc_arrays", "gc_fields", "gc_wide"].map(fillsHeap),
  { ...fillsHeap("keeps_exceptions"), engines: ["native"] },
  {
    ...fillsHeap("gc_large"),
    guest: { fixture: own("gc_large"), limits: { memoryMb: 32, cpuMs: 60_000 } },
    log: /it makes an array of some 763 MiB at once \(limits\.memoryMb is 32\)/,
  },
  ...["gc_garbage", "gc_bytes"].map((name): Hostile => ({
    name: `${name}, which keeps nothing too large, is not hostile`,
    guest: { fixture: own(name), limits: { memoryMb: 64, cpuMs: 60_000 } },
    status: 502,
    code: "guest-no-response",
  })),
  tooMany("pollables", "handles"),
  tooMany("p3_sets", "handles"),
  tooMany("polls_same", "handles"),
  tooMany("p3_streams", "streams"),
  tooMany("p3_subtasks", "subtasks"),
  // There is a limit that is met before, unless it is raised.
  ...(["p3_streams", "p3_subtasks"] as const).map((name): Hostile => ({
    ...tooMany(name, "handles"),
    guest: { fixture: own(name), limits: { handles: 1000, streams: 1_000_000, subtasks: 1_000_000 } },
  })),
  {
    name: "log",
    guest: { fixture: own("log"), limits: { cpuMs: 300, logBytes: 10_000 } },
    status: 504,
    code: "cpu-limit",
  },
  {
    name: "headers",
    guest: { fixture: own("headers"), limits: { headerBytes: 10_000 } },
    status: 500,
    code: "guest-trapped",
    log: /too many or too large fields/,
  },
  {
    name: "a memory bomb",
    guest: { fixture: "c-http", limits: { memoryMb: 4 } },
    path: "memory?pages=200&step=1",
    status: 200,
    met: "memoryMb",
  },
  {
    name: "a guest that waits for thousands of pollables",
    guest: { fixture: "c-http", limits: { wallMs: 1000 } },
    path: "poll-many?n=5000&ms=3600000",
    status: 504,
    code: "deadline-exceeded",
  },
  {
    name: "table",
    guest: { fixture: own("table") },
    status: 502,
    code: "guest-no-response",
    met: "tableElements",
  },
  {
    name: "a spinner of WASI 0.2",
    guest: { fixture: "c-http", limits: { cpuMs: 300 } },
    path: "spin?n=1000000000000000",
    status: 504,
    code: "cpu-limit",
  },
  {
    name: "recursion without end",
    guest: { fixture: "c-http" },
    path: "recurse?depth=100000000",
    status: 500,
    code: "guest-trapped",
    log: /call stack/i,
  },
  {
    name: "recursion_indirect",
    guest: { fixture: own("recursion_indirect") },
    status: 500,
    code: "guest-trapped",
    log: /call stack/i,
  },
  {
    name: "a guest that waits for ever",
    guest: { fixture: "c-http", limits: { wallMs: 200 } },
    path: "never",
    status: 504,
    code: "deadline-exceeded",
  },
  {
    name: "never_writes",
    guest: { fixture: own("never_writes"), limits: { wallMs: 300 } },
    // Its headers may have been sent by then; the body is broken off.
    status: [200, 0, 504],
    log: /deadline-exceeded/,
  },
  {
    name: "a guest of WASI 0.3 that waits for ever",
    guest: { fixture: "c-p3", limits: { wallMs: 200 } },
    path: "never",
    status: 504,
    code: "deadline-exceeded",
  },
  {
    name: "a guest that never reads",
    guest: { fixture: "c-http", limits: { wallMs: 300 } },
    path: "never",
    init: { method: "POST", body: new Uint8Array(10_000_000) },
    status: 504,
    code: "deadline-exceeded",
  },
  { name: "a guest that exits", guest: { fixture: "c-http" }, path: "exit?code=3", status: 502, code: "guest-exited" },
  { name: "a guest that traps", guest: { fixture: "c-http" }, path: "trap", status: 500, code: "guest-trapped" },
  {
    name: "a trap after the headers",
    guest: { fixture: "c-http" },
    path: "trap-after-headers",
    // Before any of them is sent.
    status: 500,
    code: "guest-trapped",
  },
  {
    name: "a trap in the middle of a body",
    guest: { fixture: "c-http" },
    path: "trap-mid-body?ms=5",
    // The connection is closed, perhaps before the headers are there; where none was sent by then, they say what happened.
    status: [200, 0, 500],
    log: /guest-trapped/,
  },
];

/** What the server's process has to say comes when it comes. */
const LOOSE = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

// Each engine's server is a process of its own, so that they need not wait for each other.
Deno.test("hostile guests meet their limits, their callers are told, and others are served", async (t) => {
  await Promise.all(
    ENGINES.map((engine) => t.step({ name: engine, fn: (t) => meetTheirLimits(engine, t), ...LOOSE })),
  );
});

async function meetTheirLimits(engine: typeof ENGINES[number], t: Deno.TestContext): Promise<void> {
  const guests: Record<string, Guest> = {};
  for (const [i, { guest, yields, engines }] of HOSTILE.entries()) {
    if (engines?.includes(engine) === false) continue;
    guests[`h${i}`] = guest;
    if (yields) guests[`y${i}`] = { ...guest, limits: { ...guest.limits, cpuMs: 3_600_000, wallMs: 3_600_000 } };
  }
  const open = () => HostileServer.start({ engine, guests: { ...guests, quiet: { fixture: "c-http" } } });
  let server = await open();
  for (const [i, hostile] of HOSTILE.entries()) {
    if (hostile.engines?.includes(engine) === false) continue;
    const passed = await t.step({
      name: hostile.name,
      async fn() {
        await meetsItsLimit(server, `/h${i}/`, hostile);
        if (hostile.yields) await letsOthersRun(server, `/y${i}/`, hostile);
      },
      ...LOOSE,
    });
    if (passed) continue;
    await server[Symbol.asyncDispose]();
    server = await open();
  }
  await server[Symbol.asyncDispose]();
}

async function meetsItsLimit(
  server: HostileServer,
  base: string,
  { path = "", init, status, code, log, met }: Hostile,
): Promise<void> {
  // The second comes after instances of the first might have been put back.
  for (const turn of ["first", "second"]) {
    const id = `${base.slice(1, -1)}-${turn}`;
    const [hostile, quiet] = await Promise.all([
      server.get(`${base}${path}`, { ...init, headers: { "x-request-id": id } }),
      server.get("/quiet/hello"),
    ]);
    expect(quiet).toEqual({ status: 200, body: "hello\n" });
    const outcome = await server.outcome(id);
    const told = code === undefined ? undefined : JSON.parse(hostile.body).error.code;
    const as = [status].flat().includes(hostile.status) ? hostile.status : status;
    expect([hostile.status, told, outcome.message]).toEqual([as, code, outcome.message]);
    if (log !== undefined) expect(outcome.message).toMatch(log);
    if (met !== undefined) expect(Object.keys(outcome.fields!["limits"] as object)).toContain(met);
  }
  expect(await server.get("/quiet/hello")).toEqual({ status: 200, body: "hello\n" });
  await server.stateUntil("no task is left", ({ tasks }) => tasks === 0);
}

/** A guest that nobody ends until its caller leaves: whoever is answered meanwhile has had its turn. */
async function letsOthersRun(server: HostileServer, base: string, { path = "", init }: Hostile): Promise<void> {
  const caller = new AbortController();
  const id = base.slice(1, -1);
  const hostile = server.fetch(`${base}${path}`, { ...init, headers: { "x-request-id": id }, signal: caller.signal })
    .then(() => "answered", () => "left");
  await server.stateUntil("the guest runs", ({ tasks }) => tasks > 0);
  for (let i = 0; i < 3; i++) expect((await server.get("/quiet/hello")).status).toBe(200);
  caller.abort();
  expect(await hostile).toBe("left");
  expect((await server.outcome(id)).fields!["code"]).toBe("caller-gone");
}
