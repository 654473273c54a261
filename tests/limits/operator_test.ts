import { expect } from "@std/expect";
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { Admission } from "../../runtime/admission.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { FunctionRuntime, type RuntimeOptions } from "../../runtime/runtime.ts";
import { fixturePath } from "../fixtures/mod.ts";

/** A runtime of one function, in a folder of its own. */
async function open(
  limits: Record<string, number>,
  options: Partial<RuntimeOptions>,
  grants: Record<string, unknown> = {},
) {
  const directory = await Deno.makeTempDir({ prefix: "skerry-test-" });
  await Deno.mkdir(join(directory, "a"));
  await Deno.copyFile(await fixturePath("c-http"), join(directory, "a", "a.wasm"));
  const manifest = { name: "a", routes: [{ path: "/*" }], source: "a.wasm", limits, grants };
  await Deno.writeTextFile(join(directory, "a", "function.json"), JSON.stringify(manifest, null, 2));
  const runtime = new FunctionRuntime({ directory, engine: nativeEngine, sink: () => {}, ...options });
  await runtime.scan();
  const app = createRoutes(runtime);
  return {
    runtime,
    get: (path: string) => Promise.resolve(app.request(`http://a.test${path}`)),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test("a default above the operator's ceiling is lowered to it", async () => {
  await using a = await open({}, { ceilings: { randomBytes: 100 } });
  expect((await a.get("/random?n=100")).status).toBe(200);
  expect((await a.get("/random?n=101")).status).toBe(500);
});

Deno.test("a function that asks for more than the operator allows is broken, and is told the line", async () => {
  await using a = await open({ wallMs: 20_000, cpuMs: 1000 }, { ceilings: { wallMs: 10_000, cpuMs: 1000 } });
  expect((await a.get("/hello")).status).toBe(503);
  expect(a.runtime.functions[0]!.problem!.message).toMatch(
    /function\.json:\d+:\d+: limits\.wallMs: 20000 is too big; the operator allows 10000 \(SKERRY_MAX_WALL_MS\)/,
  );
});

Deno.test("a grant that asks for more than the operator allows is broken, and is told the line", async () => {
  const grantCeilings = { "kv.maxKeys": 1000, "queue.maxBytes": 2000, "blob.maxBytes": 3000, "blob.maxObjects": 4000 };
  const MISTAKES: [grants: Record<string, unknown>, message: RegExp][] = [
    [{ kv: { maxKeys: 1001 } }, /grants\.kv\.maxKeys: 1001 is too big; .* allows 1000 \(SKERRY_MAX_KV_KEYS\)/],
    [
      { kv: { maxKeys: 1000 }, queue: { send: [], maxBytes: 2 ** 40 } },
      /grants\.queue\.maxBytes: 1099511627776 is too big; .* allows 2000 \(SKERRY_MAX_QUEUE_BYTES\)/,
    ],
    [{ blob: { maxObjects: 4001 } }, /grants\.blob\.maxObjects: 4001 is too big; .* 4000 \(SKERRY_MAX_BLOB_OBJECTS\)/],
  ];
  for (const [grants, message] of MISTAKES) {
    await using a = await open({}, { grantCeilings }, grants);
    expect((await a.get("/hello")).status).toBe(503);
    expect(a.runtime.functions[0]!.problem!.message).toMatch(
      new RegExp(`function\\.json:\\d+:\\d+: ${message.source}`),
    );
  }
  // Defaults above a ceiling are lowered, and what is not is left alone.
  await using a = await open({}, { grantCeilings }, {
    queue: { send: [], maxBytes: 2000, maxMessages: 2 ** 40 },
    blob: {},
  });
  expect((await a.get("/hello")).status).toBe(200);
});

Deno.test("the counts say how requests ended, what they met, and how full the process is", async () => {
  const admission = new Admission({ isolates: 7 });
  await using a = await open({ randomBytes: 100 }, { metrics: true, admission });
  for (const path of ["/hello", "/hello", "/random?n=101", "/exit"]) await (await a.get(path)).text();
  const response = await a.get("/-/metrics");
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text).toContain('skerry_requests_total{function="a",outcome="200"} 2\n');
  expect(text).toContain('skerry_requests_total{function="a",outcome="guest-trapped"} 1\n');
  expect(text).toContain('skerry_requests_total{function="a",outcome="guest-exited"} 1\n');
  expect(text).toContain('skerry_limit_met_total{function="a",limit="randomBytes"} 1\n');
  expect(text).toMatch(/^skerry_cpu_seconds_total\{function="a"\} 0?\.?\d/m);
  expect(text).toMatch(/^skerry_isolates_max 7\n/m);
  expect(text).toMatch(/^skerry_isolates 0\n/m);
  // Every line is a comment or a sample.
  expect(text.split("\n").filter((line) => !/^(# (HELP|TYPE) \S+ \S.*|[a-z_]+(\{[^{}]*\})? [\d.e+-]+|)$/.test(line)))
    .toEqual([]);
});

Deno.test("the counts are not shown unless the operator wants it", async () => {
  await using a = await open({}, {});
  expect((await a.get("/-/metrics")).status).toBe(404);
});
