import { expect } from "@std/expect";
import { type Fixture } from "../fixtures/mod.ts";
import { onEachEngine, raw, serve } from "./_serve.ts";

/** What a guest may do instead of answering, and what its caller and its operator are told. */
const ENDS: readonly { fixture: Fixture; path: string; status: number; code: string; log: RegExp }[] = [
  { fixture: "c-http", path: "trap", status: 500, code: "guest-trapped", log: /unreachable/ },
  { fixture: "c-http", path: "trap?kind=1", status: 500, code: "guest-trapped", log: /out of bounds/ },
  {
    fixture: "c-http",
    path: "trap?kind=3",
    status: 500,
    code: "guest-trapped",
    log: /null function|signature mismatch|table/,
  },
  { fixture: "c-http", path: "panic", status: 500, code: "guest-trapped", log: /unreachable/ },
  { fixture: "c-http", path: "recurse?depth=100000000", status: 500, code: "guest-trapped", log: /call stack/i },
  { fixture: "c-http", path: "no-response", status: 502, code: "guest-no-response", log: /without a response/ },
  { fixture: "c-http", path: "no-response?drop=1", status: 502, code: "guest-no-response", log: /without setting it/ },
  { fixture: "c-http", path: "exit", status: 502, code: "guest-exited", log: /exit/ },
  { fixture: "c-http", path: "exit?code=3", status: 502, code: "guest-exited", log: /3/ },
  {
    fixture: "c-http",
    path: "set-error?code=38&text=oops",
    status: 502,
    code: "guest-error",
    log: /internal-error.*oops/,
  },
  { fixture: "c-http", path: "set-error?code=6", status: 502, code: "guest-error", log: /connection-refused/i },
  { fixture: "c-http", path: "never", status: 504, code: "deadline-exceeded", log: /300 ms/ },
  { fixture: "c-http", path: "status?n=999", status: 502, code: "guest-response-invalid", log: /999/ },
  { fixture: "c-http", path: "use-after-drop", status: 500, code: "guest-trapped", log: /./ },
  { fixture: "c-p3", path: "trap", status: 500, code: "guest-trapped", log: /unreachable/ },
  { fixture: "c-p3", path: "no-response", status: 500, code: "guest-trapped", log: /result|resolution/ },
  { fixture: "c-p3", path: "exit?code=3", status: 502, code: "guest-exited", log: /3/ },
  {
    fixture: "c-p3",
    path: "set-error?code=38&text=oops",
    status: 502,
    code: "guest-error",
    log: /internal-error.*oops/,
  },
  { fixture: "c-p3", path: "never", status: 504, code: "deadline-exceeded", log: /300 ms/ },
  { fixture: "qjs-p3", path: "throw", status: 500, code: "guest-trapped", log: /./ },
];

/** Only those that wait for ever have little time: on a busy machine any other answer may take longer than that. */
const guests = {
  "c-http": { fixture: "c-http" },
  "c-p3": { fixture: "c-p3" },
  "qjs-p3": { fixture: "qjs-p3" },
  "c-http-short": { fixture: "c-http", limits: { wallMs: 300 } },
  "c-p3-short": { fixture: "c-p3", limits: { wallMs: 300 } },
} as const;

/** The function that is asked for `path`. */
const nameFor = (fixture: string, path: string) => path.startsWith("never") ? `${fixture}-short` : fixture;

onEachEngine(
  "a guest that does not answer gets its caller a status, a code and the id, and serves on",
  async (engine) => {
    await using server = await serve({ engine, guests });
    const wrong: unknown[] = [];
    for (const { fixture, path, status, code, log } of ENDS) {
      const response = await server.fetch(`/${nameFor(fixture, path)}/${path}`);
      const body = await response.json().catch(() => undefined);
      const id = response.headers.get("x-request-id")!;
      const outcome = await server.outcome(id);
      const text = `${outcome.message} ${outcome.fields?.["stack"] ?? ""}`;
      const got = { status: response.status, code: body?.error?.code, requestId: body?.error?.requestId };
      const asWanted = got.status === status && got.code === code && got.requestId === id;
      if (!asWanted || !log.test(text)) wrong.push({ fixture, path, got, log: text });
      const next = await server.fetch(`/${fixture}/hello`);
      if (await next.text() !== "hello\n") wrong.push({ after: path, status: next.status });
    }
    expect(wrong).toEqual([]);
  },
);

onEachEngine("production tells the caller nothing of the guest's inside", async (engine) => {
  await using server = await serve({ engine, guests: { "c-http": guests["c-http"] } });
  for (const accept of ["application/json", "text/html"]) {
    const response = await server.fetch("/c-http/trap", { headers: { accept } });
    const text = await response.text();
    expect(text).toContain("guest-trapped");
    expect(text).not.toContain("fixture_trap");
    expect(text).not.toContain("unreachable");
  }
});

onEachEngine("in dev a browser gets the guest's stack, its log and its host calls", async (engine) => {
  await using server = await serve({ engine, dev: true, guests: { "c-http": guests["c-http"] } });
  const response = await server.fetch("/c-http/panic", { headers: { accept: "text/html" } });
  expect(response.headers.get("content-type")).toMatch(/text\/html/);
  const page = await response.text();
  expect(page).toContain("guest-trapped");
  expect(page).toContain("wasi:cli/stderr#get-stderr");
  expect(page).toMatch(/panicked/);
  const trap = await (await server.fetch("/c-http/trap", { headers: { accept: "text/html" } })).text();
  expect(trap).toContain("fixture_trap_inner");
  expect(trap).toContain("fixture_trap_middle");
});

const BROKEN_OFF: readonly (readonly [Fixture, string])[] = [
  ["c-http", "trap-after-headers"],
  ["c-http", "trap-mid-body"],
  ["c-http", "finish-without"],
  ["c-http", "exit?code=1&headers=1"],
  ["c-http", "never?headers=1"],
  ["c-http", "overwrite"],
  ["c-http", "length?declared=100&written=10"],
  ["c-p3", "trap-mid-body"],
  ["c-p3", "finish-without"],
  ["c-p3", "length?declared=100&written=10"],
];

onEachEngine("a body that breaks off never looks whole", async (engine) => {
  await using server = await serve({ engine, guests });
  const wrong: unknown[] = [];
  for (const [fixture, path] of BROKEN_OFF) {
    const answer = await raw(
      server.port,
      `GET /${nameFor(fixture, path)}/${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    // Either the connection breaks, or nothing had been sent yet and the caller is told so.
    if (answer.whole && /^HTTP\/1\.1 200/.test(answer.head)) wrong.push({ fixture, path, answer });
  }
  expect(wrong).toEqual([]);
  expect(await (await server.fetch("/c-http/hello")).text()).toBe("hello\n");
});
