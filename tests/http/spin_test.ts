/**
 * Whole requests of guests that speak Spin's interfaces: its asynchronous ones, and what its SDKs make.
 *
 * @module
 */
import { expect } from "@std/expect";
import { kvOn, MemoryBackend } from "../../runtime/capabilities/kv/mod.ts";
import { SqliteBackend, sqlOn } from "../../runtime/capabilities/sql/mod.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { type Fixture, whySkipped } from "../fixtures/mod.ts";
import { ENGINES, onEachEngine, serve } from "./_serve.ts";

onEachEngine(
  "a guest keeps keys by Spin's async interface, lists them as a stream, and its neighbour has others",
  async (engine) => {
    const backend = new MemoryBackend();
    const grants = { config: { values: { greeting: "Hello" } }, kv: { stores: { default: true, carts: "shop" } } };
    await using server = await serve({
      engine,
      capabilities: [kvOn(() => backend)],
      guests: {
        f: { fixture: "c-spin3", grants },
        neighbour: { fixture: "c-spin3", grants },
        c: { fixture: "c-caps", grants: { ...grants, log: {} } },
      },
    });
    const ask = async (path: string) => await (await server.request(path)).text();
    expect(await ask("/f/get?key=a")).toBe("none");
    for (const key of ["a", "b", "c", "d", "e"]) expect(await ask(`/f/set?key=${key}&value=${key}!`)).toBe("there");
    expect(await ask("/f/get?key=c")).toBe("c!");
    expect(await ask("/f/delete?key=c")).toBe("not there");
    // Read two at a time.
    expect(await ask("/f/keys")).toBe("a b d e and no more");
    expect(await ask("/neighbour/keys")).toBe("and no more");
    expect(await ask("/f/get?store=others&key=a")).toBe("error: access-denied");
    expect(await ask("/f/set?store=carts&key=s&value=shared")).toBe("there");
    expect(await ask("/c/get?store=carts&key=s")).toBe("shared");
    expect(await ask(`/f/set?key=${"k".repeat(1025)}&value=x`)).toBe(
      "error: other the key has 1025 bytes, and may have 1024",
    );
    expect(await ask("/f/variable?key=greeting")).toBe("Hello");
    expect(await ask("/f/variable?key=nothing")).toBe('error: undefined no variable "nothing"');
    expect(await ask("/f/variable?key=No%20name")).toMatch(/^error: invalid-name/);
  },
);

/** What every application below does, whose names of paths are the same. */
async function expectSpin(engine: Engine, fixture: Fixture, denied: { status: number }): Promise<void> {
  const [backend, sqlite] = [new MemoryBackend(), new SqliteBackend(undefined)];
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("pong"));
  const authority = `127.0.0.1:${other.addr.port}`;
  {
    await using server = await serve({
      engine,
      capabilities: [kvOn(() => backend), sqlOn(() => sqlite)],
      guests: {
        f: {
          fixture,
          grants: {
            kv: {},
            sql: {},
            config: { values: { greeting: "Hello" } },
            http: { allow: [`http://${authority}`] },
          },
          limits: { memoryMb: 512 },
        },
      },
    });
    const ask = async (path: string, init?: RequestInit) => await (await server.request(`/f/${path}`, init)).text();
    expect(await ask("hello", { method: "POST", body: "four" })).toBe("POST 4");
    expect(await ask("keep")).toBe("none");
    expect(await ask("keep?kept")).toBe("kept");
    expect(await ask("keep")).toBe("kept");
    expect(await ask("rows?ann")).toBe("id,name|1 ann");
    expect(await ask("rows?bob")).toBe("id,name|1 ann|2 bob");
    expect(await ask("variable?greeting")).toBe("Hello");
    expect(await ask(`outgoing?${authority}`)).toBe("200 pong");
    expect(await server.request("/f/outgoing?127.0.0.1:9")).toMatchObject(denied);
  }
  sqlite.close();
  await other.shutdown();
}

onEachEngine(
  "an application of Spin's SDK for Rust of 2024, of a release candidate of WASI 0.2, runs as it is",
  (engine) => expectSpin(engine, "rust-spin-2", { status: 500 }),
);

const skipped = whySkipped("python-spin");

for (const engine of ENGINES) {
  const name =
    `${engine.name}: an application of Spin's SDK for Python, which imports all that Spin has, runs as it is`;
  Deno.test({
    name: skipped === undefined ? name : `${name}: skipped, ${skipped}`,
    ignore: skipped !== undefined,
    fn: () => expectSpin(engine, "python-spin", { status: 500 }),
  });
}

onEachEngine("a function of Spin from before its interfaces had versions runs as it is", async (engine) => {
  await expectSpin(engine, "c-spin1", { status: 500 });
  await using server = await serve({
    engine,
    guests: { f: { fixture: "c-spin1", grants: { kv: {}, sql: {}, config: {} } } },
  });
  const ask = async (path: string, init?: RequestInit) => await (await server.request(`/f/${path}`, init)).text();
  const headers = { "x-in": "there" };
  expect(await ask("header?x-in", { headers })).toBe("there ");
  expect(await ask("header?spin-path-info")).toBe("/f/header ");
  expect(await ask("header?spin-full-url")).toBe(`${server.origin}/f/header?spin-full-url `);
  const answer = await server.request("/f/hello", { method: "DELETE" });
  expect([answer.status, answer.headers.get("x-sdk"), await answer.text()]).toEqual([200, "c", "DELETE 0"]);
  expect((await server.request("/f/hello", { method: "PROPFIND" })).status).toBe(405);
  expect(await ask("hello", { method: "POST", body: new Uint8Array(100_000) })).toBe("POST 100000");
  const large = await server.request("/f/hello", { method: "POST", body: new Uint8Array(17 * 2 ** 20) });
  expect(large.status).toBe(413);
  expect((await server.request("/f/bad")).status).toBe(502);
  expect(await ask("outgoing?127.0.0.1:9")).toBe("outgoing error 1");
  expect(await ask("variable?nothing")).toBe("config error 3");
});
