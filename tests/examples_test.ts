/**
 * The example functions, each doing what the comment on top of it says.
 *
 * @module
 */
import { expect } from "@std/expect";
import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { capabilities } from "../components/capabilities.ts";
import { createRoutes } from "../routes/mod.ts";
import { buildFunction } from "../runtime/build/mod.ts";
import type { Engine } from "../runtime/engine/mod.ts";
import { FunctionRuntime } from "../runtime/mod.ts";
import { onEachEngine } from "./http/_serve.ts";

const COMPONENTS = join(import.meta.dirname!, "../components");

/** Registers a test of some examples for each engine; they are there to be changed, and deleted. */
function onExample(names: readonly string[], title: string, body: (engine: Engine) => Promise<void>): void {
  const gone = names.find((name) => !existsSync(join(COMPONENTS, name)));
  if (gone === undefined) onEachEngine(title, body);
  else Deno.test.ignore(`${title}: skipped, components/${gone} is gone`, () => {});
}

/** Serves one or more of the examples, by name, on a free port. */
async function serve(engine: Engine, ...names: string[]) {
  const app = { fetch: (_: Request): Response | Promise<Response> => new Response("not yet", { status: 503 }) };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => app.fetch(request));
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const directory = await Deno.makeTempDir({ prefix: "skerry-examples-" });
  for (const name of names) {
    const [from, to] = [join(COMPONENTS, name), join(directory, name)];
    await cp(from, to, { recursive: true });
    // The one origin that an example may call is the server that it runs in.
    const manifest = JSON.parse(
      (await Deno.readTextFile(join(to, "function.json"))).replace("http://localhost:8000", origin),
    );
    // It stands in front of those that are named after it.
    const [front = ""] = names;
    if (["gate", "cors"].includes(front) && name !== front) manifest.middleware = [front];
    await Deno.writeTextFile(join(to, "function.json"), JSON.stringify(manifest));
  }
  const runtime = new FunctionRuntime({
    directory,
    engine,
    capabilities,
    dev: true,
    sink: () => {},
    // From the folder itself, so that the builds that are there already are found.
    async build({ manifest: { name, source } }) {
      if (source.kind === "component") return join(COMPONENTS, name, source.path);
      const { path, backend, wit, world } = source;
      return (await buildFunction({ dir: join(COMPONENTS, name), source: path, backend, wit, world })).wasm;
    },
  });
  await runtime.scan();
  for (const entry of runtime.functions) await entry.ready();
  app.fetch = createRoutes(runtime).fetch;
  return {
    fetch: (path: string, init?: RequestInit) => fetch(origin + path, init),
    async [Symbol.asyncDispose]() {
      await runtime.stop(0);
      await server.shutdown();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

onExample(["hello"], "hello greets whom the query names", async (engine) => {
  await using server = await serve(engine, "hello");
  expect(await (await server.fetch("/hello?name=Skerry")).text()).toBe("Hello, Skerry!\n");
  expect(await (await server.fetch("/hello")).text()).toBe("Hello, world!\n");
});

onExample(["hono-app"], "a Hono app in a component has routes, middleware and JSON", async (engine) => {
  await using server = await serve(engine, "hono-app");
  const note = await server.fetch("/notes/7");
  expect(await note.json()).toEqual({ id: 7, text: "a note" });
  expect(note.headers.get("x-answered-by")).toBe("a Hono app in an isolate");
  const post = (value: unknown) => server.fetch("/notes", { method: "POST", body: JSON.stringify(value) });
  const made = await post({ text: "buy salt" });
  expect([made.status, await made.json()]).toEqual([201, { id: 8, text: "buy salt" }]);
  const refused = await post({});
  expect([refused.status, await refused.json()]).toEqual([400, { error: "a note needs a text" }]);
  const missing = await server.fetch("/notes/x");
  expect([missing.status, await missing.text()]).toEqual([404, "404 Not Found"]);
});

onExample(["stream"], "a countdown streams its numbers one by one", async (engine) => {
  await using server = await serve(engine, "stream");
  const response = await server.fetch("/countdown?from=1");
  const pieces: string[] = [];
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) pieces.push(piece);
  expect(pieces).toEqual(["1\n", "Land!\n"]);
});

onExample(["call-out", "hello"], "a function calls another through the server that both run in", async (engine) => {
  await using server = await serve(engine, "call-out", "hello");
  expect(await (await server.fetch("/call-out")).text()).toBe("It said 200: Hello, neighbour!\n");
});

onExample(["c-hello"], "a function in C says at which path it is", async (engine) => {
  await using server = await serve(engine, "c-hello");
  const path = `/c-hello/${"long/".repeat(1000)}?q`;
  expect(await (await server.fetch(path)).text()).toBe(`Hello from C, at ${path}\n`);
});

onExample(
  ["gate", "c-hello"],
  "gate lets requests through that know the token, to the function behind it",
  async (engine) => {
    await using server = await serve(engine, "gate", "c-hello");
    for (const authorization of ["", "Bearer open-sesam", "Bearer open-sesame!", "Basic  open-sesame", "bearer"]) {
      const refused = await server.fetch("/c-hello/x", { headers: { authorization } });
      expect([authorization, refused.status, await refused.text()]).toEqual([authorization, 401, ""]);
    }
    const known = await server.fetch("/c-hello/x", { headers: { authorization: "Bearer open-sesame" } });
    expect([known.status, await known.text()]).toEqual([200, "Hello from C, at /c-hello/x\n"]);
  },
);

onExample(
  ["cors", "hono-app"],
  "cors answers what a browser asks first, and says in the answers of the function behind it who may read them",
  async (engine) => {
    await using server = await serve(engine, "cors", "hono-app");
    const [origin, stranger] = ["https://app.example.com", "https://evil.example.com"];
    const said = ({ status, headers }: Response) => [
      status,
      headers.get("access-control-allow-origin"),
      headers.get("x-answered-by"),
    ];
    const asks = { "access-control-request-method": "POST", "access-control-request-headers": "x-a,content-type" };
    const asked = await server.fetch("/notes", { method: "OPTIONS", headers: { origin, ...asks } });
    expect([...said(asked), await asked.text()]).toEqual([204, origin, null, ""]);
    expect(asked.headers.get("access-control-allow-methods")).toBe("POST");
    expect(asked.headers.get("access-control-allow-headers")).toBe("x-a,content-type");
    const refused = await server.fetch("/notes", { method: "OPTIONS", headers: { origin: stranger, ...asks } });
    expect([...said(refused), await refused.text()]).toEqual([204, null, null, ""]);

    const app = "a Hono app in an isolate";
    const body = JSON.stringify({ text: "buy salt" });
    const made = await server.fetch("/notes", { method: "POST", headers: { origin }, body });
    expect([...said(made), await made.json()]).toEqual([201, origin, app, { id: 8, text: "buy salt" }]);
    expect(made.headers.get("vary")).toContain("origin");
    const missing = await server.fetch("/notes/x", { headers: { origin } });
    expect([...said(missing), await missing.text()]).toEqual([404, origin, app, "404 Not Found"]);
    for (const headers of [{ origin: stranger }, {}]) {
      const other = await server.fetch("/notes/7", { headers });
      expect([...said(other), await other.json()]).toEqual([200, null, app, { id: 7, text: "a note" }]);
      expect(other.headers.get("vary")).toContain("origin");
    }
  },
);

onExample(["hello-p3"], "a function of WASI 0.3 reads a name and streams two lines", async (engine) => {
  await using server = await serve(engine, "hello-p3");
  const named = await server.fetch("/hello-p3", { method: "POST", body: "Ærø" });
  expect(await named.text()).toBe("Hello, Ærø!\nThis is WASI 0.3.\n");
  expect(named.headers.get("content-type")).toBe("text/plain; charset=utf-8");
});

onExample(
  ["stopwatch"],
  "a capability of one's own knows whose request it serves, among others at once",
  async (engine) => {
    await using server = await serve(engine, "stopwatch");
    await Promise.all(Array.from({ length: 10 }, async (_, n) => {
      const response = await server.fetch("/stopwatch", { headers: { "x-request-id": `lap-${n}` } });
      expect(await response.json()).toEqual({
        request: `lap-${n}`,
        text: "The sum is 49995000.",
        laps: [expect.stringMatching(/^counting: [0-9.]+ ms$/), expect.stringMatching(/^writing: [0-9.]+ ms$/)],
      });
    }));
  },
);
