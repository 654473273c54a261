import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { onEachEngine, serve } from "../http/_serve.ts";

const LIMITS = { requestBodyWaitMs: 100 };

/** A request whose head is whole and whose body is not. */
const unfinished = (path: string, body: string, id: string) =>
  `POST ${path} HTTP/1.1\r\nhost: a.test\r\nx-request-id: ${id}\r\ncontent-length: 1000\r\n\r\n${body}`;

/** Sends `text` and, if asked, a byte now and then; answers what comes back until the end of a failure's body. */
async function ask(port: number, text: string, { trickle = false } = {}): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const write = (text: string) => connection.write(new TextEncoder().encode(text));
  await write(text);
  const timer = trickle ? setInterval(() => write("a").catch(() => {}), 10) : undefined;
  try {
    let answer = "";
    const buffer = new Uint8Array(4096);
    while (!answer.endsWith("}\n")) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error(`the connection was closed after ${answer}`);
      answer += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return answer;
  } finally {
    clearInterval(timer);
  }
}

onEachEngine("slow headers cost their connection: no task, no isolate, and others are served", async (engine) => {
  const admission = new Admission({ isolates: 1 });
  await using server = await serve({ engine, admission, guests: { "c-http": { fixture: "c-http" } } });
  const half = new TextEncoder().encode("GET /c-http/hello HTTP/1.1\r\nhost: a.test\r\nx-slow: ");
  const slow = await Promise.all(Array.from({ length: 100 }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await connection.write(half);
    return connection;
  }));
  // The only place there is.
  for (let i = 0; i < 5; i++) expect(await (await server.fetch("/c-http/hello")).text()).toBe("hello\n");
  expect([server.runtime.tasks.size, admission.running, admission.waiting]).toEqual([0, 0, 0]);
  for (const connection of slow) connection.close();
});

const READERS = [
  { fixture: "c-http", path: "body-size" },
  { fixture: "c-p3", path: "body-size" },
  { fixture: "c-spin1", path: "hello", grants: { kv: {}, sql: {}, config: {} } },
] as const;

for (const { fixture, path, ...guest } of READERS) {
  onEachEngine(`${fixture}: a caller who stops sending its body hears 408, and the isolate is free`, async (engine) => {
    await using server = await serve({ engine, guests: { [fixture]: { fixture, limits: LIMITS, ...guest } } });
    const answer = await ask(server.port, unfinished(`/${fixture}/${path}`, "abc", "stops"));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toContain('"request-timeout"');
    const { fields, message } = await server.outcome("stops");
    expect(message).toContain("limits.requestBodyWaitMs");
    expect(fields).toMatchObject({ code: "request-timeout", culprit: "caller", limits: { requestBodyWaitMs: 1 } });
    expect(server.runtime.tasks.size).toBe(0);
  });
}

onEachEngine("a caller who sends a byte now and then has no more time for it", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http", limits: LIMITS } },
  });
  const answer = await ask(server.port, unfinished("/c-http/body-size", "a", "trickles"), { trickle: true });
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
});

onEachEngine(
  "a caller may take its time while the guest computes, waits for something else or does not read",
  async (engine) => {
    await using server = await serve({
      engine,
      guests: { "c-http": { fixture: "c-http", limits: { requestBodyWaitMs: 1 } } },
    });
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((done) => setTimeout(done, 60));
        controller.enqueue(new Uint8Array(10));
        controller.close();
      },
    }, { highWaterMark: 0 });
    const unread = await server.fetch("/c-http/sleep?ms=50", { method: "POST", body });
    expect(unread.status).toBe(200);
    await unread.body?.cancel();
    // All of it is there before the guest asks.
    const read = await server.request("/c-http/body-size", { method: "POST", body: new Uint8Array(1000) });
    expect(await read.text()).toMatch(/^1000\n/);
  },
);

onEachEngine("a slow caller is not cut off as long as it sends", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http", limits: { requestBodyWaitMs: 60_000 } } },
  });
  let chunks = 10;
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((done) => setTimeout(done, 5));
      if (chunks-- === 0) return controller.close();
      controller.enqueue(new Uint8Array(100));
    },
  }, { highWaterMark: 0 });
  const response = await server.fetch("/c-http/body-size", { method: "POST", body });
  expect(await response.text()).toMatch(/^1000\n/);
});
