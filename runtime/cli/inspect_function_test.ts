import { expect } from "@std/expect";
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { nativeEngine } from "../engine/native/mod.ts";
import { FunctionRuntime } from "../mod.ts";
import type { FunctionReport } from "../usage.ts";
import { describeFunction, inspectFunction } from "./_inspect_function.ts";
import { host } from "./_testing.ts";

const FIXTURES = new URL("../../tests/fixtures/", import.meta.url);

const FILE = "components/x/function.json";

function described(
  imports: readonly string[] | null,
  granted: readonly string[],
  report?: Pick<FunctionReport, "requests" | "used">,
): string[] {
  const known = {
    name: "x",
    file: FILE,
    granted,
    imports: imports?.map((name) => ({ name, functions: ["f"] })) ?? null,
  };
  const whole = report && { ...known, ...report, problem: null };
  return describeFunction(known, whole, host).split("\n").map((line) => line.trim().replace(/ {2,}/g, " | "));
}

Deno.test("a function's missing grants and those it does not need come with the lines to write", () => {
  const lines = described(["wasi:io/poll@0.2.0", "example:greeter/greet@1.0.0", "other:x/y@1.0.0"], ["kv"]);
  expect(lines).toContain("wasi:io/poll@0.2.0 | always");
  expect(lines).toContain("example:greeter/greet@1.0.0 | greeter is missing");
  expect(lines).toContain("other:x/y@1.0.0 | the host has no such");
  expect(lines).toContain(`missing: example:greeter/greet@1.0.0. Add to ${FILE}: "grants": { "greeter": {} }`);
  expect(lines).toContain(`not needed: it imports nothing of "kv". Take "kv" out of "grants" in ${FILE}`);
  expect(lines.at(-1)).toBe("What it uses is known while `deno task dev` runs.");
});

Deno.test("what a function has used is counted by interface and function", () => {
  const used = { "wasi:io/poll#poll": 2, "wasi:io/poll#[method]pollable.block": 3, "wasi:io/poller#x": 9 };
  const lines = described(["wasi:io/poll@0.2.0", "example:greeter/greet@1.0.0"], ["greeter"], { requests: 4, used });
  expect(lines).toContain("imports | granted | used in 4 requests");
  expect(lines).toContain("wasi:io/poll@0.2.0 | always | 5: pollable.block 3, poll 2");
  expect(lines).toContain("example:greeter/greet@1.0.0 | greeter | not at all");
  expect(lines).toContain('not used: "greeter" is granted, and nothing of it was called in 4 requests');
});

Deno.test("outgoing requests that were refused come with the line that allows them", () => {
  const used = { "wasi:http/outgoing-handler#handle": 1 };
  const lines = described(["wasi:http/outgoing-handler@0.2.0"], [], { requests: 1, used });
  expect(lines).toContain("wasi:http/outgoing-handler@0.2.0 | refused without http | 1: handle 1");
  expect(lines.find((line) => line.startsWith("refused"))).toContain('"grants": { "http": { "allow": [');
});

Deno.test("what stands in front of a function is named", () => {
  const known = { name: "x", file: FILE, granted: [], middleware: ["auth", "log"], imports: [] };
  expect(describeFunction(known, undefined, host)).toMatch(/^x \(.*\)\nbehind auth, log\n\nimports/);
});

Deno.test("source that is not built yet is said to be that", () => {
  expect(described(null, []).at(-1)).toContain("source that is not built yet");
});

/** A folder with one function, and a server for it. */
async function served(body: (functions: string, server: string) => Promise<void>, dev = true): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-inspect-" });
  await Deno.mkdir(join(directory, "data"));
  await Deno.copyFile(new URL("c-http/c-http.wasm", FIXTURES), join(directory, "data/f.wasm"));
  const grants = { http: { allow: ["https://sesame.example"] }, files: {}, log: {} };
  const manifest = { name: "guest", routes: [{ path: "/*" }], source: "f.wasm", grants };
  await Deno.writeTextFile(join(directory, "data/function.json"), JSON.stringify(manifest));
  const runtime = new FunctionRuntime({ directory, engine: nativeEngine, dev, sink: () => {} });
  await runtime.scan();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, createRoutes(runtime).fetch);
  try {
    await body(directory, `http://127.0.0.1:${server.addr.port}`);
  } finally {
    await runtime.stop(0);
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a running server in development tells what a function has used, and no parameters of its grants", () =>
  served(async (functions, server) => {
    const before = await inspectFunction("guest", host, { functions, server });
    expect(before).toMatch(/^guest \(.*\)\n\nimports/);
    expect(before).toMatch(/wasi:cli\/environment@0\.2\.12 +always +not at all/);
    await (await fetch(`${server}/env`)).text();
    const after = await inspectFunction("guest", host, { functions, server });
    expect(after).toMatch(/used in 1 request$/m);
    expect(after).toMatch(/wasi:cli\/environment@0\.2\.12 +always +\d: .*get-environment 1/);
    expect(after).toContain('not used: "files" is granted, and nothing of it was called in 1 request');
    expect(after).toContain('not needed: it imports nothing of "log"');
    const report = await (await fetch(`${server}/-/functions/guest`)).text();
    expect(report).not.toContain("sesame");
    expect(JSON.parse(report)).toMatchObject({ name: "guest", granted: ["http", "files", "log"], requests: 1 });
    expect((await fetch(`${server}/-/functions/none`)).status).toBe(404);
  }));

Deno.test("a server in production tells nothing, and neither does one that is asked from elsewhere", async () => {
  await served(async (functions, server) => {
    expect((await fetch(`${server}/-/functions/guest`)).status).toBe(404);
    expect(await inspectFunction("guest", host, { functions, server })).toContain(
      "is known while `deno task dev` runs",
    );
  }, false);
  const directory = await Deno.makeTempDir({ prefix: "skerry-inspect-" });
  const runtime = new FunctionRuntime({ directory, engine: nativeEngine, dev: true, sink: () => {} });
  runtime.report = () => ({ name: "f", file: "", imports: null, granted: [], problem: null, requests: 0, used: {} });
  const app = createRoutes(runtime);
  const ask = async (hostname: string, url: string) =>
    (await app.fetch(new Request(url), { remoteAddr: { transport: "tcp", hostname, port: 1 } })).status;
  expect(await ask("127.0.0.1", "http://localhost:8000/-/functions/f")).toBe(200);
  expect(await ask("::1", "http://[::1]:8000/-/functions/f")).toBe(200);
  expect(await ask("::ffff:127.0.0.1", "http://127.0.0.1:8000/-/functions/f")).toBe(200);
  expect(await ask("192.168.1.7", "http://localhost:8000/-/functions/f")).toBe(404);
  expect(await ask("127.0.0.1", "http://rebound.example:8000/-/functions/f")).toBe(404);
  expect((await app.request("http://localhost:8000/-/functions/f")).status).toBe(404);
  await Deno.remove(directory);
});

Deno.test("a function that there is not is answered with those that there are", () =>
  served(async (functions, server) => {
    await expect(inspectFunction("guets", host, { functions, server })).rejects.toThrow("Did you mean guest?");
    await expect(inspectFunction("zzz", host, { functions, server })).rejects.toThrow("Name one of guest");
  }));
