import { expect } from "@std/expect";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { type Guest, serve } from "../http/_serve.ts";

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

for (const { name, guest, path = "", status, code, log, met } of HOSTILE) {
  Deno.test(`${name} meets its limit, its caller is told, and others are served`, async () => {
    await using server = await serve({
      engine: nativeEngine,
      guests: { hostile: guest, quiet: { fixture: "c-http" } },
    });
    // The second comes after instances of the first might have been put back.
    for (const id of ["first", "second"]) {
      const hostile = server.fetch(`/hostile/${path}`, { headers: { "x-request-id": id } });
      const quiet = server.fetch("/quiet/hello");
      expect(await (await quiet).text()).toBe("hello\n");
      const response = await hostile;
      const { error } = await response.json();
      const outcome = await server.outcome(id);
      expect(`${response.status} ${error.code} ${outcome.message}`).toMatch(new RegExp(`^${status} ${code} `));
      if (log !== undefined) expect(outcome.message).toMatch(log);
      if (met !== undefined) expect(Object.keys(outcome.fields!["limits"] as object)).toContain(met);
    }
    expect(server.runtime.tasks.size).toBe(0);
  });
}
