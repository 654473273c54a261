/**
 * What guests in JavaScript throw: the operator is told where in the sources, a browser in development sees it, and nobody
 * takes half an answer for a whole one.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { buildDist } from "../../runtime/build/dist.ts";
import { mapFileOf } from "../../runtime/stack/script.ts";
import { withFolder } from "../_folder.ts";
import { Server } from "../_server.ts";
import { fixturePath } from "../fixtures/mod.ts";
import { onEachEngine, raw, serve } from "./_serve.ts";

const STARLING = { guest: { fixture: "js-fetch", grants: { kv: {} } } } as const;
const QUICKJS = { guest: { fixture: "qjs-p3" } } as const;

const inHandler =
  /\n {4}at find \(island\.ts:10:9\)\n {4}at later \(main\.ts:11:10\)\n {4}at async fetch \(main\.ts:35:\d+\)$/;

const get = (path: string, ...headers: string[]) =>
  ["GET " + path + " HTTP/1.1", "host: x", "connection: close", ...headers, "", ""].join("\r\n");

onEachEngine("the log says where in its sources a fetch handler threw", async (engine) => {
  await using server = await serve({ engine, guests: STARLING });
  const answer = await server.fetch("/guest/throw", { headers: { "x-request-id": "t1", accept: "text/html" } });
  // Nobody but a developer is shown more than the function says.
  expect([answer.status, await answer.text()]).toEqual([500, "Internal Server Error\n"]);
  const { level, message, fields } = await server.outcome("t1");
  expect([level, message]).toEqual([
    "error",
    "GET /guest/throw guest-threw: its fetch() threw RangeError: no such island: Skerry",
  ]);
  expect(fields).toMatchObject({ status: 500, code: "guest-threw", culprit: "guest" });
  expect(fields!["stack"]).toMatch(inHandler);
  const printed = server.recordsOf("t1").filter(({ source }) => source === "stderr").map(({ message }) => message);
  expect(printed.slice(0, 2)).toEqual(["Uncaught RangeError: no such island: Skerry", "find@island.ts:10:9"]);
  expect(printed.join("\n")).not.toMatch(/skerryRespond|main\.js/);

  const caught = await server.fetch("/guest/caught", { headers: { "x-request-id": "t2" } });
  expect(await caught.text()).toBe("none\n");
  expect((await server.outcome("t2")).message).toBe("GET /guest/caught 500");
  expect(server.recordsOf("t2").map(({ message }) => message)).toContain("find@island.ts:10:9");
});

onEachEngine("the log says where in its source a function on QuickJS threw", async (engine) => {
  await using server = await serve({ engine, guests: QUICKJS });
  const answer = await server.fetch("/guest/throw", { headers: { "x-request-id": "q1" } });
  expect(await answer.json()).toMatchObject({ error: { code: "guest-trapped" } });
  const { message, fields } = await server.outcome("q1");
  expect(message).toMatch(/\(it threw no such island\)$/);
  expect(fields!["stack"]).toMatch(
    /^no such island\n {4}at throw \(main\.js:123:\d+\)\n {4}at handle \(main\.js:\d+:\d+\)/,
  );
});

onEachEngine("in dev a browser sees what fetch threw, and all others what the function answers", async (engine) => {
  await using server = await serve({ engine, dev: true, guests: STARLING });
  const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  const shown = await server.fetch("/guest/throw", { headers: { ...browser, "x-request-id": "d1" } });
  expect([shown.status, shown.headers.get("x-request-id")]).toEqual([500, "d1"]);
  expect(shown.headers.get("content-type")).toMatch(/^text\/html/);
  const page = await shown.text();
  for (const part of ["guest-threw", "RangeError: no such island: Skerry", "island.ts:10:9", "main.ts:11:10", "Log"]) {
    expect(page).toContain(part);
  }
  expect(page).not.toMatch(/wasm, offset|\.ts:32:17/);
  const text = await server.fetch("/guest/throw-text", { headers: browser });
  expect(await text.text()).toContain("its fetch() threw words");

  for (const headers of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
    const plain = await server.fetch("/guest/throw", { headers: { ...headers } });
    expect([plain.status, await plain.text()]).toEqual([500, "Internal Server Error\n"]);
  }
  // An answer that the function has made itself is nobody else's.
  const own = await server.fetch("/guest/caught", { headers: browser });
  expect([own.status, own.headers.get("content-type"), await own.text()]).toEqual([500, "text/plain", "none\n"]);
});

onEachEngine("in dev a browser sees what a function on QuickJS threw", async (engine) => {
  await using server = await serve({ engine, dev: true, guests: QUICKJS });
  const page = await (await server.fetch("/guest/throw", { headers: { accept: "text/html" } })).text();
  expect(page).toContain("(it threw no such island)");
  expect(page).toMatch(/Stack of the function<\/h2>\s*<p><code>no such island<\/code>.*main\.js:123:/);
  const { error } = await (await server.fetch("/guest/throw")).json();
  expect(error.stack[0]).toMatch(/^at throw \(main\.js:123:\d+\)$/);
});

onEachEngine("a fetch handler that never answers gets its caller a status, a code and the id", async (engine) => {
  await using server = await serve({ engine, guests: STARLING });
  const answer = await server.fetch("/guest/never", { headers: { "x-request-id": "n1" } });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ error: { code: "guest-response-incomplete", requestId: "n1" } });
});

onEachEngine("half a body of a fetch handler never looks whole", async (engine) => {
  await using server = await serve({ engine, guests: STARLING });
  for (const path of ["half", "endless"]) {
    const answer = await raw(server.port, get(`/guest/${path}`, `x-request-id: ${path}`));
    expect([path, /^HTTP\/1.1 200/.test(answer.head) && answer.whole]).toEqual([path, false]);
    expect((await server.outcome(path)).fields).toMatchObject({ code: "guest-response-incomplete" });
  }
  const unbegun = await server.fetch("/guest/unbegun", { headers: { "x-request-id": "u1" } });
  expect([unbegun.status, (await unbegun.json()).error.code]).toEqual([502, "guest-response-incomplete"]);
  const { message, fields } = await server.outcome("u1");
  expect(message).toMatch(/\(it threw RangeError: no such island: Rockall\)$/);
  expect(fields!["stack"]).toBe("RangeError: no such island: Rockall\n    at (the stream of a body) (island.ts:10)");
});

onEachEngine(
  "half a body looks whole neither to the server that it is sent to, nor to the caller then",
  async (engine) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const origin = `http://127.0.0.1:${listener.addr.port}`;
    const received = listener.accept().then((connection) => new Response(connection.readable).text());
    await using server = await serve({
      engine,
      guests: { guest: { ...STARLING.guest, grants: { kv: {}, http: { allow: [origin] } } } },
    });
    // StarlingMonkey ends the response short when the body of a request fails, as if it were whole.
    const answer = await raw(server.port, get(`/guest/upload?to=${encodeURIComponent(origin)}`, "x-request-id: up"));
    expect(/^HTTP\/1.1 200/.test(answer.head) && answer.whole).toBe(false);
    expect(await received).toMatch(/^POST \/ HTTP\/1\.1\r\n[^]*\r\n4\r\nsome\r\n$/);
    await server.outcome("up");
    expect(server.recordsOf("up").map(({ message }) => message))
      .toContainEqual(expect.stringMatching(/closed during body streaming.*Foula/));
  },
);

Deno.test("a server of dist/ says where in the sources a function threw, with its three permissions", async () => {
  await withFolder(async (directory) => {
    const wasm = await fixturePath("qjs-p3");
    const manifest = { name: "guest", routes: [{ path: "/*" }], source: "main.js" };
    const dist = join(directory, "dist");
    await buildDist([{ folder: "guest", manifest, wasm, map: mapFileOf(wasm) }], dist, { cacheDir: directory });
    await using server = await Server.start("start", directory);
    expect((await fetch(await server.url("/throw"))).status).toBe(500);
    const line = await server.saw(/.*guest-trapped.*\n/);
    expect(JSON.parse(line[0]).fields.stack).toMatch(/^no such island\n {4}at throw \(main\.js:123:\d+\)\n/);
  });
});
