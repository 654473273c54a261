import { expect } from "@std/expect";
import { echo } from "../_echo.ts";
import { Child } from "./child.ts";
import type { EchoJob, LoadReport, RequestsJob } from "./load.ts";

/** The load generator in its own process, and a server here. */
async function withLoad(
  handler: (request: Request) => Response | Promise<Response>,
  body: (load: Child, port: number) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const load = new Child("load.ts", {});
  try {
    await body(load, server.addr.port);
  } finally {
    await load.stop();
  }
}

const job = (port: number, rest: Partial<RequestsJob> = {}): RequestsJob => ({
  kind: "requests",
  port,
  path: "/there?x",
  c: 4,
  ms: 0,
  expect: { status: 200, body: "right" },
  ...rest,
});

Deno.test("the load generator counts the answers, and asks for what it was told", async () => {
  const seen: string[] = [];
  await withLoad((request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`);
    return new Response("right");
  }, async (load, port) => {
    const report = await load.ask<LoadReport>(job(port));
    expect(report.requests).toBe(4);
    expect(report.p50Ms).toBeGreaterThan(0);
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
    expect(seen).toEqual(Array(4).fill("GET /there?x"));
  });
});

Deno.test("one wrong answer fails the whole job, and the generator goes on to the next", async () => {
  let wrong: Response | undefined;
  const handler = () => {
    const response = wrong ?? new Response("right");
    wrong = undefined;
    return response;
  };
  await withLoad(handler, async (load, port) => {
    wrong = new Response("wrong");
    await expect(load.ask(job(port))).rejects.toThrow('200 "wrong", expected 200 "right"');
    wrong = new Response("right", { status: 500 });
    await expect(load.ask(job(port))).rejects.toThrow('500 "right", expected 200 "right"');
    expect((await load.ask<LoadReport>(job(port))).requests).toBe(4);
  });
});

Deno.test("an echo must come back whole and unchanged", async () => {
  const handler = async (request: Request) => {
    const path = new URL(request.url).pathname;
    if (path === "/echo") return echo(request);
    const bytes = await request.bytes();
    if (path === "/changed") bytes[70_000]! ^= 1;
    return new Response(path === "/short" ? bytes.subarray(1) : bytes);
  };
  const echoJob = (port: number, path: string): EchoJob => ({ kind: "echo", port, path, bytes: 200_000 });
  await withLoad(handler, async (load, port) => {
    expect((await load.ask<LoadReport>(echoJob(port, "/echo"))).requests).toBe(1);
    await expect(load.ask(echoJob(port, "/changed"))).rejects.toThrow("differ from byte 70000");
    await expect(load.ask(echoJob(port, "/short"))).rejects.toThrow("199999 came back");
  });
});

Deno.test("a process that ends says so instead of hanging", async () => {
  const child = new Child("_lines.ts", {});
  await expect(child.hear()).rejects.toThrow("ended with code 0");
  await child.stop();
});
