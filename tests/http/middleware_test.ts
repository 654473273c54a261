/**
 * Chains of functions: middleware of WASI 0.3 in front of functions of 0.2 and 0.3.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { Admission } from "../../runtime/admission.ts";
import { FunctionRuntime } from "../../runtime/mod.ts";
import { fixturePath } from "../fixtures/mod.ts";
import { type Guest, onEachEngine, serve } from "./_serve.ts";

const mw = (MODE: string, more: Partial<Guest> = {}): Guest => ({
  fixture: "c-mw",
  env: { MODE, NAME: MODE },
  ...more,
});
const behind = (...middleware: string[]): Guest => ({ fixture: "c-http", middleware });
const behind3 = (...middleware: string[]): Guest => ({ fixture: "c-p3", middleware });

onEachEngine("a request goes through middleware to functions of both versions, and answers back", async (engine) => {
  const guests = { pass: mw("pass"), mark: mw("mark"), two: behind("pass", "mark"), three: behind3("mark", "pass") };
  await using server = await serve({ engine, guests });
  for (const name of ["two", "three"]) {
    const response = await server.fetch(`/${name}/headers`);
    expect([response.status, response.headers.get("x-by")]).toEqual([200, "mark"]);
    expect(await response.text()).toContain(
      `x-seen=${[...new TextEncoder().encode("mark")].map((byte) => byte.toString(16)).join("")}`,
    );
    const status = await server.fetch(`/${name}/status?n=418`);
    expect([status.status, status.headers.get("x-by")]).toEqual([418, "mark"]);
    await status.body?.cancel();
    const sent = "0123456789".repeat(50_000);
    const echo = await server.fetch(`/${name}/echo`, { method: "POST", body: sent });
    expect((await echo.text()) === sent).toBe(true);
    const seen = await (await server.fetch(`/${name}/method-path?x=%20`)).text();
    expect(seen).toMatch(new RegExp(`path=/${name}/method-path\\?x=%20[^]*authority=127\\.0\\.0\\.1:${server.port}`));
  }
});

onEachEngine("all functions of a chain run in tasks of one id and trace, each in its own isolate", async (engine) => {
  const guests = { a: mw("mark"), b: mw("pass"), api: behind("a", "b") };
  await using server = await serve({ engine, guests });
  await (await server.fetch("/api/hello", { headers: { "x-request-id": "chain-1" } })).text();
  await server.outcome("chain-1");
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  const records = server.recordsOf("chain-1");
  expect(new Set(records.map(({ function: name }) => name))).toEqual(new Set(["a", "b", "api"]));
  expect(new Set(records.map(({ trace }) => trace)).size).toBe(1);
  const ends = records.filter(({ fields }) => fields?.["status"] === 200).map(({ message }) => message);
  expect(ends.sort()).toEqual([
    "GET /api/hello 200",
    "GET /api/hello behind a 200",
    "GET /api/hello behind b 200",
  ]);
});

onEachEngine("middleware can answer by itself, and what is behind it is not called", async (engine) => {
  const guests = { auth: mw("auth"), api: behind("auth") };
  await using server = await serve({ engine, guests });
  const refused = await server.fetch("/api/hello", { headers: { "x-request-id": "no" } });
  expect([refused.status, await refused.text()]).toEqual([401, "who are you?\n"]);
  await server.outcome("no");
  expect(server.recordsOf("no").map(({ function: name }) => name)).not.toContain("api");
  const known = await server.fetch("/api/hello", { headers: { authorization: "me" } });
  expect([known.status, await known.text()]).toEqual([200, "hello\n"]);
});

onEachEngine("an answer streams through middleware while it is written", async (engine) => {
  const guests = { upper: mw("upper"), pass: mw("pass"), mark: mw("mark"), api: behind("pass", "upper", "mark") };
  await using server = await serve({ engine, guests });
  const response = await server.fetch("/api/response-then-continue?chunks=3&ms=40");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  // The first piece is there while the function still waits to write the last.
  const first = (await reader.read()).value!;
  expect(first).toMatch(/^PIECE 0/);
  expect([...server.runtime.tasks].some((task) => task.function === "api")).toBe(true);
  let rest = first;
  for (let next; !(next = await reader.read()).done;) rest += next.value;
  expect(rest).toMatch(/PIECE 2/);
  const sent = "abcdef".repeat(100_000);
  const echo = await server.fetch("/api/echo", { method: "POST", body: sent });
  expect(await echo.text() === sent.toUpperCase()).toBe(true);
});

onEachEngine("a function runs on after its answer has gone through middleware", async (engine) => {
  await using server = await serve({ engine, guests: { pass: mw("pass"), api: behind("pass") } });
  const response = await server.fetch("/api/response-then-continue?chunks=1&ms=0&after=60", {
    headers: { "x-request-id": "on" },
  });
  expect(await response.text()).toMatch(/^piece 0/);
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  const api = server.recordsOf("on").filter(({ function: name }) => name === "api");
  expect(api.map(({ message }) => message)).toContain("after the response");
  expect(api.at(-1)!.fields).toMatchObject({ status: 200 });
});

onEachEngine("what fails behind middleware is what the caller hears, if the middleware hands it on", async (engine) => {
  const guests = {
    pass: mw("pass"),
    explain: mw("explain"),
    api: behind("pass"),
    told: behind("explain"),
    slow: { ...behind("pass"), limits: { wallMs: 100 } },
  };
  await using server = await serve({ engine, guests });
  const trapped = await server.fetch("/api/trap");
  expect([trapped.status, (await trapped.json()).error?.code]).toEqual([500, "guest-trapped"]);
  const late = await server.fetch("/slow/never");
  expect([late.status, (await late.json()).error?.code]).toEqual([504, "deadline-exceeded"]);
  const told = await server.fetch("/told/trap");
  expect([told.status, await told.text()]).toEqual([
    503,
    "behind: internal-error guest-trapped: The function failed.\n",
  ]);
});

onEachEngine("a body that what is behind does not take holds nothing up", async (engine) => {
  await using server = await serve({
    engine,
    guests: { mark: mw("mark"), pass: mw("pass"), api: behind("mark", "pass") },
  });
  for (const path of ["trap", "drop-body-unread", "exit?code=1"]) {
    let pulls = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((done) => setTimeout(done, 1));
        if (++pulls > 2000) controller.close();
        else controller.enqueue(new Uint8Array(65_536));
      },
    });
    await (await server.request(`/api/${path}`, { method: "POST", body })).text();
    while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
    expect(pulls).toBeLessThan(1000);
  }
});

onEachEngine("a process full of middleware still serves what is behind it", async (engine) => {
  await using server = await serve({
    engine,
    admission: new Admission({ isolates: 4 }),
    guests: { pass: mw("pass"), mark: mw("mark"), api: behind("pass", "mark") },
  });
  // All at once and without a socket in between: the first of them take all places before any has come to what is behind.
  const ask = async () => await (await server.request("/api/sleep?ms=5")).text();
  expect(new Set(await Promise.all(Array.from({ length: 12 }, ask)))).toEqual(new Set(["slept 5\n"]));
});

onEachEngine("middleware that fails is the one that is said to have failed", async (engine) => {
  const guests = {
    before: mw("trap-before"),
    trap: mw("trap"),
    silent: mw("silent"),
    a: behind("before"),
    b: behind("trap"),
    c: behind("silent"),
  };
  await using server = await serve({ engine, guests });
  for (const [path, code] of [["a", "guest-trapped"], ["b", "guest-trapped"], ["c", "guest-trapped"]] as const) {
    const response = await server.fetch(`/${path}/hello`, { headers: { "x-request-id": `f-${path}` } });
    expect([path, (await response.json()).error?.code]).toEqual([path, code]);
    const failed = server.recordsOf(`f-${path}`).filter(({ fields }) => fields?.["code"] === code);
    expect(failed.map(({ function: name }) => name)).not.toContain(path);
  }
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
});

onEachEngine("a body that breaks off behind middleware breaks off for the caller", async (engine) => {
  await using server = await serve({
    engine,
    guests: { pass: mw("pass"), mark: mw("mark"), api: behind("pass"), api2: behind("mark") },
  });
  for (const path of ["api", "api2"]) {
    // Deno before 2.9 may close the connection before it has sent the headers. Where the middleware had not handed on the
    // answer when it broke off, the caller is told what happened, whole.
    const whole = await server.fetch(`/${path}/trap-mid-body?ms=5`).then((response) => response.text()).catch(() =>
      null
    );
    expect([null, "guest-trapped"]).toContain(whole === null ? null : JSON.parse(whole).error.code);
  }
});

onEachEngine("middleware may hand on as often as it likes, within its limits", async (engine) => {
  const guests = {
    again: mw("again"),
    bounded: mw("again", { limits: { outgoingRequests: 2 } }),
    a: behind("again"),
    b: behind("bounded"),
  };
  await using server = await serve({ engine, guests });
  expect(await (await server.fetch("/a/hello")).text()).toBe("answers: 3\n");
  expect(await (await server.fetch("/b/hello")).text()).toBe("answers: 2\n");
});

onEachEngine("middleware has grants and limits of its own, and stands before calls by name as well", async (engine) => {
  const guests = {
    auth: mw("auth"),
    late: mw("late", { limits: { wallMs: 5 } }),
    api: behind("auth"),
    slow: behind("late"),
    caller: { fixture: "c-http" as const, grants: { http: { allow: ["http://api.internal"] } } },
  };
  await using server = await serve({ engine, guests });
  const url = encodeURIComponent("http://api.internal/hello");
  expect(await (await server.fetch(`/caller/outgoing?url=${url}`)).text()).toContain("who are you?");
  const late = await server.fetch("/slow/hello");
  expect([late.status, (await late.json()).error?.code]).toEqual([504, "deadline-exceeded"]);
});

onEachEngine("middleware that is called by itself has nothing to hand on to", async (engine) => {
  await using server = await serve({ engine, guests: { explain: mw("explain") } });
  const response = await server.fetch("/explain/x", { headers: { "x-request-id": "alone" } });
  expect([response.status, await response.text()]).toEqual([503, "behind: configuration-error\n"]);
  expect(server.recordsOf("alone").map(({ message }) => message).join()).toContain("stands in front of nothing");
});

/** A folder of functions that changes while it is served. */
async function changing(
  body: (world: {
    write(name: string, manifest: object, fixture?: "c-mw" | "c-http"): Promise<void>;
    runtime: FunctionRuntime;
    fetch(path: string): Promise<Response>;
    problem(name: string): string | undefined;
  }) => Promise<void>,
): Promise<void> {
  const { ENGINES: [engine] } = await import("./_serve.ts");
  const directory = await Deno.makeTempDir({ prefix: "skerry-chain-" });
  const runtime = new FunctionRuntime({ directory, engine: engine!, sink: () => {} });
  const app = createRoutes(runtime);
  try {
    await body({
      runtime,
      async write(name, manifest, fixture = "c-http") {
        await Deno.mkdir(join(directory, name), { recursive: true });
        await Deno.copyFile(await fixturePath(fixture), join(directory, name, "f.wasm"));
        const whole = { name, routes: [{ path: `/${name}/*` }], source: "f.wasm", ...manifest };
        await Deno.writeTextFile(join(directory, name, "function.json"), JSON.stringify(whole));
      },
      fetch: (path) => Promise.resolve(app.request(path)),
      problem: (name) => runtime.functions.find((entry) => entry.name === name)?.problem?.message,
    });
  } finally {
    await runtime.stop(0);
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a chain that cannot be is refused when it is loaded, with what to write", () =>
  changing(async ({ write, runtime, problem, fetch }) => {
    await write("a", { middleware: ["b"] }, "c-mw");
    await write("b", { middleware: ["a"] }, "c-mw");
    await write("self", { middleware: ["self"] });
    await write("typo", { middleware: ["plian"] });
    await write("plain", {});
    await write("wrong", { middleware: ["plain"] });
    await runtime.scan();
    expect(problem("a")).toContain("middleware[0]: goes round in a circle, a → b → a; take one of them out.");
    expect(problem("b")).toContain("middleware[0]: goes round in a circle, b → a → b; take one of them out.");
    expect(problem("self")).toContain("middleware[0]: goes round in a circle, self → self; take one of them out.");
    expect(problem("typo")).toContain('middleware[0]: there is no function "plian"; write "plain".');
    expect(problem("wrong")).toContain(
      'middleware[0]: "plain" does not import wasi:http/handler@0.3.0, and would hand nothing on; ' +
        "build it for the world wasi:http/middleware, or take it out.",
    );
    expect((await fetch("/wrong/hello")).status).toBe(503);
    expect((await fetch("/plain/hello")).status).toBe(200);
  }));

Deno.test("a chain follows its functions as they come, change and go", () =>
  changing(async ({ write, runtime, fetch, problem }) => {
    await write("api", { middleware: ["zauth"] });
    await runtime.scan();
    expect(problem("api")).toContain('there is no function "zauth"');
    await write("zauth", { routes: [], env: { MODE: "auth" } }, "c-mw");
    await runtime.refresh("zauth");
    expect(problem("api")).toBe(undefined);
    expect((await fetch("/api/hello")).status).toBe(401);
    await write("zauth", { routes: [], env: { MODE: "mark", NAME: "z" } }, "c-mw");
    await runtime.refresh("zauth");
    expect((await fetch("/api/hello")).headers.get("x-by")).toBe("z");
    await write("front", { routes: [], env: { MODE: "auth" } }, "c-mw");
    await runtime.refresh("front");
    await write("zauth", { routes: [], middleware: ["front"], env: { MODE: "mark", NAME: "z" } }, "c-mw");
    await runtime.refresh("zauth");
    expect((await fetch("/api/hello")).status).toBe(401);
    await write("front", { routes: [], middleware: ["api"] }, "c-mw");
    await runtime.refresh("front");
    expect(problem("front")).toContain("goes round in a circle, front → api → zauth → front");
    expect((await fetch("/api/hello")).status).toBe(401);
    await write("api", {});
    await runtime.refresh("api");
    expect((await fetch("/api/hello")).status).toBe(200);
  }));

Deno.test("a function is never served without what stands in front of it", () =>
  changing(async ({ write, runtime, fetch }) => {
    await write("api", { middleware: ["auth"] });
    await write("auth", { routes: [], env: { MODE: "auth" } }, "c-mw");
    await runtime.scan();
    expect((await fetch("/api/hello")).status).toBe(401);
    await write("auth", { name: "other", routes: [] }, "c-mw");
    await runtime.refresh("auth");
    const response = await fetch("/api/hello");
    expect([response.status, (await response.json()).error.code]).toEqual([503, "function-broken"]);
  }));
