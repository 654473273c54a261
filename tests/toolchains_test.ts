/**
 * Guests as each toolchain makes them, each by what only its own libraries do.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { buildFunction } from "../runtime/build/mod.ts";
import { withFolder } from "./_folder.ts";
import { type Fixture, whySkipped } from "./fixtures/mod.ts";
import { ENGINES, onEachEngine, serve } from "./http/_serve.ts";

const HELLO: readonly (readonly [fixture: Fixture, text: string])[] = [
  ["c-http", "hello\n"],
  ["c-p3", "hello\n"],
  ["csharp", "Hello, World!"],
  ["old", "hello from a small guest\n"],
  ["qjs-p3", "hello\n"],
  ["rust-http", "hello\n"],
  ["rust-p3", "hello\n"],
  ["small", "hello from a small guest\n"],
];

for (const [fixture, text] of HELLO) {
  onEachEngine(`${fixture} answers`, async (engine) => {
    await using server = await serve({ engine, guests: { guest: { fixture } } });
    const response = await server.fetch("/guest/hello");
    expect(await response.text()).toBe(text);
    expect(response.status).toBe(200);
  });
}

onEachEngine("export default { fetch } is a handler, and what it throws is logged and answered", async (engine) => {
  await using server = await serve({ engine, guests: { guest: { fixture: "js-fetch", grants: { kv: {} } } } });
  const hello = await server.fetch("/guest/hello", { method: "POST", body: "x" });
  expect([hello.status, hello.headers.get("x-method"), await hello.text()]).toEqual([200, "POST", "hello\n"]);
  for (
    const [path, said] of [
      ["throw", "Uncaught RangeError: no such island: Skerry"],
      ["host", "Uncaught Error: access-denied"],
      ["nothing", "Uncaught TypeError: fetch() returned undefined, not a Response"],
    ] as const
  ) {
    const response = await server.fetch(`/guest/${path}`, { headers: { "x-request-id": path } });
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
    await server.outcome(path);
    expect(server.recordsOf(path).map(({ message }) => message)).toContain(said);
  }
});

Deno.test("a source that answers no requests does not build, and is told what to write", async () => {
  await withFolder(async (dir) => {
    for (
      const [text, message] of [
        ["export const greet = () => 1;\n", /nothing answers requests; write: export default \{ fetch\(request\)/],
        [
          "export default { fetsh() {} };\n",
          /main\.ts: the default export has no method fetch\(request\); write: [^(]*\(request\)[^(]*\(\) } }$/,
        ],
        [
          'import { readFileSync } from "node:fs";\nexport default { fetch: () => new Response(readFileSync("x")) };\n',
          /it imports "node:fs", .* no function has that\. A function has the Web's APIs/,
        ],
      ] as const
    ) {
      await Deno.writeTextFile(join(dir, "main.ts"), text);
      const build = buildFunction({ dir, source: "main.ts", cacheDir: join(dir, "cache") });
      await expect(build).rejects.toThrow(message);
    }
  });
});

Deno.test("a source on QuickJS that answers no requests does not build, and is told what to write", async () => {
  await withFolder(async (dir) => {
    for (
      const [text, message] of [
        [
          "export default { fetch: () => new Response() };\n",
          /main\.ts: QuickJS knows no default export, nor fetch; write: export const handler = .* leave out "backend" in/,
        ],
        ["1 + 1;\n", /main\.ts: nothing answers requests; write: export const handler = \{ async handle/],
      ] as const
    ) {
      await Deno.writeTextFile(join(dir, "main.ts"), text);
      const build = buildFunction({ dir, source: "main.ts", backend: "quickjs", cacheDir: join(dir, "cache") });
      await expect(build).rejects.toThrow(message);
    }
  });
});

onEachEngine("what .NET does as it starts, in the first call of each isolate, is answered", async (engine) => {
  const env = { NAME: "value", DOTNET_gcServer: "0" };
  await using server = await serve({ engine, guests: { guest: { fixture: "csharp", env } } });
  const answer = async (path: string) => await (await server.fetch(`/guest/${path}`)).text();
  const started = "starts=1 constructed=1 limit= server=0 name=value terminals=nnn seeded=1 table=13709092\n";
  for (let i = 0; i < 3; i++) expect(await answer("start")).toBe(started);
  expect(await answer("delay")).toBe("delayed 1\n");
  expect(await answer("garbage")).toBe("48 MiB, heap kept 2\n");
  expect(await answer("nothing")).toBe("sockets refused, file not found\n");
});

onEachEngine(
  "what C# prints is logged, and an exception that nothing catches ends its isolate alone",
  async (engine) => {
    await using server = await serve({ engine, guests: { guest: { fixture: "csharp", limits: { memoryMb: 32 } } } });
    const records = async (id: string) => {
      const response = await server.fetch(`/guest/${id}`, { headers: { "x-request-id": id } });
      const text = await response.text();
      await server.outcome(id);
      const own = server.recordsOf(id).filter(({ source }) => source !== "host");
      return [response.status, text, own.map(({ source, message }) => `${source}: ${message}`)];
    };
    expect(await records("print")).toEqual([200, "printed\n", ["stdout: Hello from Console", "stderr: to stderr"]]);
    const [status, , said] = await records("throw");
    expect([status, said]).toEqual([500, [
      "stderr: Unhandled exception. System.InvalidOperationException: no such island",
    ]]);
    // A heap that may not grow is one that the collector makes do with.
    expect((await records("garbage"))[1]).toMatch(/^\d+ MiB, heap kept 2\n$/);
    expect((await records("hello"))[1]).toBe("Hello, World!");
  },
);

onEachEngine("wstd's futures wait side by side, read bodies and hash", async (engine) => {
  await using server = await serve({ engine, guests: { guest: { fixture: "rust-http", env: { NAME: "value" } } } });
  const answer = async (path: string, init?: RequestInit) => await (await server.fetch(`/guest/${path}`, init)).text();
  expect(await answer("join?20")).toBe("slept twice\n");
  expect(await answer("count-words", { method: "POST", body: "salt tar salt rope" })).toBe("3 words\n");
  expect(await answer("echo", { method: "POST", body: "x".repeat(200_000) })).toBe("x".repeat(200_000));
  expect(await answer("env")).toBe("NAME=value\n");
});

onEachEngine("Rust's std finds no file, and exits the isolate alone", async (engine) => {
  await using server = await serve({ engine, guests: { guest: { fixture: "rust-http" } } });
  expect(await (await server.fetch("/guest/file")).text()).toMatch(/^Err\(/);
  const exit = await server.fetch("/guest/exit?3");
  expect(await exit.json()).toMatchObject({ error: { code: "guest-exited" } });
  expect(await (await server.fetch("/guest/hello")).text()).toBe("hello\n");
});

onEachEngine("what Rust's std prints becomes log records, line by line", async (engine) => {
  const server = await serve({ engine, guests: { guest: { fixture: "rust-http" } } });
  await (await server.fetch("/guest/print")).text();
  // When the server has ended, so has the task, and with it a last line without an end.
  await server[Symbol.asyncDispose]();
  const printed = server.records.filter(({ source }) => source !== "host");
  expect(printed.map(({ source, message }) => `${source}: ${message}`).sort()).toEqual([
    "stderr: to stderr, without an end",
    "stdout: one",
    "stdout: two",
  ]);
});

onEachEngine("a Rust guest's panic reaches the log, and its error the caller", async (engine) => {
  await using server = await serve({ engine, guests: { old: { fixture: "rust-http" }, new: { fixture: "rust-p3" } } });
  for (const guest of ["old", "new"]) {
    const id = `panic-${guest}`;
    const panic = await server.fetch(`/${guest}/panic`, { headers: { "x-request-id": id } });
    expect(await panic.json()).toMatchObject({ error: { code: "guest-trapped" } });
    await server.outcome(id);
    expect(server.recordsOf(id).map(({ message }) => message)).toContain("no such island");
    const error = await server.fetch(`/${guest}/error`);
    expect(await error.json()).toMatchObject({ error: { code: "guest-error" } });
  }
});

for (const fixture of ["rust-p3", "qjs-p3"] as const) {
  onEachEngine(`${fixture} streams, waits, and ends a body with trailers`, async (engine) => {
    await using server = await serve({ engine, guests: { guest: { fixture } } });
    const body = "abcdefgh".repeat(50_000);
    for (const path of ["echo", "echo-chunks"]) {
      const response = await server.fetch(`/guest/${path}`, { method: "POST", body });
      expect(await response.text()).toBe(body);
    }
    expect(await (await server.fetch("/guest/sleep?ms=20")).text()).toMatch(/^slept/);
    expect(await (await server.fetch("/guest/trailers")).text()).toBe("with trailers\n");
  });
}

onEachEngine("a Rust guest of WASI 0.3 goes on after its response", async (engine) => {
  await using server = await serve({ engine, guests: { guest: { fixture: "rust-p3" } } });
  const response = await server.fetch("/guest/later", { headers: { "x-request-id": "later" } });
  expect(await response.text()).toBe("hello\n");
  await server.outcome("later");
  expect(server.recordsOf("later").map(({ message }) => message)).toContain("after the response");
});

onEachEngine("strings cross as UTF-16 where a guest's are", async (engine) => {
  const env = { GREETING: "aloha \u{1f3dd} 島" };
  await using server = await serve({ engine, guests: { guest: { fixture: "utf16", env } } });
  const response = await server.fetch("/guest/a?b");
  const text = new TextDecoder("utf-16le").decode(await response.arrayBuffer());
  expect(text).toBe("/guest/a?b\nGREETING=aloha \u{1f3dd} 島");
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-16le");
});

onEachEngine("a WASI 0.3 guest waits by callback, by the built-in, and inside a call", async (engine) => {
  await using server = await serve({ engine, guests: { guest: { fixture: "c-p3" } } });
  for (const path of ["sleep?ms=10", "sleep-blocking", "sleep-sync", "sleep-many?n=50"]) {
    expect(await (await server.fetch(`/guest/${path}`)).text()).toMatch(/^slept/);
  }
});

for (const fixture of ["go-http", "python-http"] as const) {
  const reason = whySkipped(fixture);
  for (const engine of ENGINES) {
    Deno.test({
      name: `${engine.name}: ${fixture} reads, writes, waits and prints${
        reason === undefined ? "" : `: skipped, ${reason}`
      }`,
      ignore: reason !== undefined,
      async fn() {
        await using server = await serve({ engine, guests: { guest: { fixture, env: { NAME: "value" } } } });
        const answer = async (path: string, init?: RequestInit) =>
          await (await server.fetch(`/guest/${path}`, init)).text();
        expect(await answer("hello")).toBe("hello\n");
        expect(await answer("echo", { method: "POST", body: "x".repeat(50_000) })).toBe("x".repeat(50_000));
        expect(await answer("sleep")).toMatch(/^slept true\n$/i);
        expect(await answer("env")).toBe("NAME=value\n");
        expect(await answer("print")).toBe("hello\n");
        expect(server.records.map(({ message }) => message)).toEqual(expect.arrayContaining(["one", "two"]));
      },
    });
  }
}
