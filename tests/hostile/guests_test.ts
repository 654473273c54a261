import { expect } from "@std/expect";
import type { Guest } from "../http/_serve.ts";
import { ENGINES, HostileServer } from "./_server.ts";

/** A component of `guests/`, whose source says what it does. */
const own = (name: string) => new URL(`guests/${name}.wasm`, import.meta.url);

interface Hostile {
  readonly name: string;
  readonly guest: Guest;
  readonly path?: string;
  readonly status: number;
  readonly code: string;
  readonly log?: RegExp;
  /** A limit that it met and lived on. */
  readonly met?: string;
}

const CPU = { cpuMs: 100 };
const spin = (name: string): Hostile => ({
  name,
  guest: { fixture: own(name), limits: CPU },
  status: 504,
  code: "cpu-limit",
  log: /CPU time|cannot be suspended/,
});

const HOSTILE: readonly Hostile[] = [
  ...["start", "realloc", "post_return", "destructor", "recursion", "host_calls", "catches"].map(spin),
  {
    ...spin("realloc"),
    name: "realloc, with all the CPU time it may want",
    guest: { fixture: own("realloc"), limits: { cpuMs: 3_600_000 } },
    log: /cannot be suspended/,
  },
  {
    name: "pollables",
    guest: { fixture: own("pollables"), limits: { handles: 1000 } },
    status: 500,
    code: "guest-trapped",
    log: /limits\.handles/,
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
    guest: { fixture: "c-http", limits: CPU },
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
    name: "a guest that waits for ever",
    guest: { fixture: "c-http", limits: { wallMs: 200 } },
    path: "never",
    status: 504,
    code: "deadline-exceeded",
  },
  {
    name: "a guest of WASI 0.3 that waits for ever",
    guest: { fixture: "c-p3", limits: { wallMs: 200 } },
    path: "never",
    status: 504,
    code: "deadline-exceeded",
  },
];

for (const engine of ENGINES) {
  Deno.test(`${engine}: hostile guests meet their limits, their callers are told, and others are served`, async (t) => {
    const guests = Object.fromEntries(HOSTILE.map(({ guest }, i) => [`h${i}`, guest]));
    const open = () => HostileServer.start({ engine, guests: { ...guests, quiet: { fixture: "c-http" } } });
    let server = await open();
    for (const [i, hostile] of HOSTILE.entries()) {
      const passed = await t.step({
        name: hostile.name,
        fn: () => meetsItsLimit(server, `/h${i}/`, hostile),
        // What the server's process has to say comes when it comes.
        sanitizeOps: false,
        sanitizeResources: false,
      });
      if (passed) continue;
      await server[Symbol.asyncDispose]();
      server = await open();
    }
    await server[Symbol.asyncDispose]();
  });
}

async function meetsItsLimit(
  server: HostileServer,
  base: string,
  { path = "", status, code, log, met }: Hostile,
): Promise<void> {
  // The second comes after instances of the first might have been put back.
  for (const turn of ["first", "second"]) {
    const id = `${base.slice(1, -1)}-${turn}`;
    const [hostile, quiet] = await Promise.all([
      server.get(`${base}${path}`, { headers: { "x-request-id": id } }),
      server.get("/quiet/hello"),
    ]);
    expect(quiet).toEqual({ status: 200, body: "hello\n" });
    const outcome = await server.outcome(id);
    const { error } = JSON.parse(hostile.body);
    expect(`${hostile.status} ${error.code} ${outcome.message}`).toMatch(new RegExp(`^${status} ${code} `));
    if (log !== undefined) expect(outcome.message).toMatch(log);
    if (met !== undefined) expect(Object.keys(outcome.fields!["limits"] as object)).toContain(met);
  }
  expect(await server.get("/quiet/hello")).toEqual({ status: 200, body: "hello\n" });
  await server.stateUntil("no task is left", ({ tasks }) => tasks === 0);
}
