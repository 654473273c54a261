/**
 * Whole requests to guests of WASI 0.3, on every engine: from the Web request to the isolate and back.
 *
 * @module
 */
import { expect } from "@std/expect";
import { builtinCapabilities } from "../runtime/capabilities/mod.ts";
import { serveP3 } from "../runtime/capabilities/http/mod.ts";
import { withTask } from "../runtime/context.ts";
import { Dispatcher } from "../runtime/dispatcher.ts";
import { findHandler } from "../runtime/handler.ts";
import { createJcoEngine } from "../runtime/engine/jco/mod.ts";
import type { Engine, LinkedComponent } from "../runtime/engine/mod.ts";
import { nativeEngine } from "../runtime/engine/native/mod.ts";
import { Host } from "../runtime/host.ts";
import { Fields } from "../runtime/http/fields.ts";
import type { HttpRequest } from "../runtime/http/message.ts";
import { DEFAULT_LIMITS } from "../runtime/limits.ts";
import type { LogRecord } from "../runtime/log.ts";
import { ByteChannel } from "../runtime/streams/bytes.ts";
import { waitAny } from "../runtime/streams/waitable.ts";
import { Task } from "../runtime/task.ts";
import { type Fixture, fixture } from "./fixtures/mod.ts";

const ENGINES: readonly Engine[] = [
  createJcoEngine({ cacheDir: new URL("../.skerry/jco/", import.meta.url) }),
  nativeEngine,
];

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A guest, linked once and called by many tests. */
interface Guest {
  readonly linked: LinkedComponent;
  readonly dispatcher: Dispatcher;
  /** What tasks logged since the test began. */
  readonly logs: LogRecord[];
  /** Answers like a server; a failure is told as `code: message`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves when no task runs any more. */
  idle(): Promise<void>;
}

async function openGuest(engine: Engine, name: Fixture, grants: Record<string, unknown> = {}): Promise<Guest> {
  const component = await engine.load(await fixture(name), { name });
  const grantee = { name, directory: "/", grants, env: { GREETING: "ahoy" } };
  const { component: linked } = await new Host(builtinCapabilities).link(component, grantee);
  const logs: LogRecord[] = [];
  const dispatcher = new Dispatcher({ sink: (record) => logs.push(record) });
  // A busy machine is slow.
  const limits = { ...DEFAULT_LIMITS, wallMs: 300_000, cpuMs: 300_000 };
  const served = { name, linked, handler: findHandler(component, name), limits };
  return {
    linked,
    dispatcher,
    logs,
    fetch: async (path, init) =>
      await dispatcher.dispatch(
        served,
        new Request(`http://example.com:8443${path}`, init),
        ({ error }) => new Response(`${error.code}: ${error.message}`, { status: error.status }),
      ),
    idle: async () => expect(await dispatcher.stop(300_000)).toBe(0),
  };
}

/** What became of the last request. What a guest has written may come after it. */
function outcomeIn(logs: readonly LogRecord[]): LogRecord {
  return logs.findLast(({ fields }) => fields?.["ms"] !== undefined)!;
}

/** Each engine's guests, loaded when the first test asks for them. */
const opened = new Map<string, Promise<Guest>>();

for (const engine of ENGINES) {
  /** A test with a guest whose log is empty and which has to be idle again at the end. */
  const test = (name: Fixture, what: string, body: (guest: Guest) => Promise<void>) =>
    Deno.test(`${engine.name}: ${name}: ${what}`, async () => {
      const key = `${engine.name} ${name}`;
      if (!opened.has(key)) opened.set(key, openGuest(engine, name));
      const guest = await opened.get(key)!;
      guest.logs.length = 0;
      await body(guest);
      await guest.idle();
    });

  for (const name of ["c-p3", "qjs-p3"] as const) {
    test(name, "a guest answers, each request in a fresh isolate", async ({ fetch }) => {
      for (let i = 0; i < 3; i++) {
        const response = await fetch("/count");
        expect([response.status, await response.text()]).toEqual([200, "1\n"]);
      }
    });

    test(name, "a response without a body does not hang", async ({ fetch }) => {
      for (const status of [200, 204, 304, 404]) {
        const response = await fetch(`/no-body?n=${status}`);
        expect([response.status, await response.text()]).toEqual([status, ""]);
      }
    });

    test(name, "a guest sees method, path, scheme and authority as the caller sent them", async ({ fetch }) => {
      const response = await fetch("/method-path?x=%20&y", { method: "PURGE" });
      expect(await response.text()).toBe(
        "method=other:PURGE\npath=/method-path?x=%20&y\nscheme=http\nauthority=example.com:8443\n",
      );
    });

    test(name, "headers pass both ways; forbidden ones never reach the guest", async ({ fetch }) => {
      const response = await fetch("/headers", {
        headers: [["x-tag", "one"], ["connection", "close"], ["keep-alive", "5"], ["x-bin", "\u00ff"]],
      });
      expect(response.headers.getSetCookie()).toEqual([
        "a=1; Path=/",
        "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT",
        "c=3",
      ]);
      expect(response.headers.get("x-binary")).toBe("\u00ff\u00fe\u0080");
      expect(response.headers.get("x-repeated")).toBe("one, two");
      const seen = await response.text();
      expect(seen).toContain("x-tag=6f6e65\n");
      expect(seen).toContain("x-bin=ff\n");
      expect(seen).not.toMatch(/^(connection|keep-alive|host)=/m);
    });

    test(name, "an echo streams both ways", async ({ fetch }) => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const response = await fetch("/echo", { method: "POST", body: readable, headers: { "content-type": "x/y" } });
      expect(response.headers.get("content-type")).toBe("x/y");
      const reader = response.body!.getReader();
      // The guest answers with what it has before the caller has said all. A write ends when the guest has read it.
      const [first] = await Promise.all([reader.read(), writer.write(utf8("there"))]);
      expect(text(first.value!)).toBe("there");
      const written = writer.write(utf8(" and back")).then(() => writer.close());
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) rest += text(part.value);
      expect(rest).toBe(" and back");
      await written;
    });

    test(name, "a large body comes through whole, in both directions", async ({ fetch }) => {
      const size = 3_000_000;
      const big = new Uint8Array(await (await fetch(`/big?bytes=${size}`)).arrayBuffer());
      expect(big.length).toBe(size);
      const sent = await fetch("/body-size", { method: "POST", body: big });
      expect(await sent.text()).toBe(`${size}\n`);
    });

    test(name, "a response begins while the guest still runs", async ({ fetch, dispatcher }) => {
      const response = await fetch("/stream?chunks=3&ms=5");
      expect(dispatcher.tasks.size).toBe(1);
      expect(await response.text()).toBe("piece 0\npiece 1\npiece 2\n");
    });

    test(name, "a caller that leaves ends the isolate", async ({ fetch, dispatcher, logs }) => {
      const response = await fetch("/big?bytes=1000000000");
      const reader = response.body!.getReader();
      await reader.read();
      expect(dispatcher.tasks.size).toBe(1);
      await reader.cancel();
      await new Promise((resolve) => setTimeout(resolve));
      expect(dispatcher.tasks.size).toBe(0);
      expect(outcomeIn(logs).fields!.code).toBe("caller-gone");
    });

    test(name, "a reader that stops stops the guest, and the guest its caller", async ({ fetch }) => {
      let pulls = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          pulls++;
          controller.enqueue(new Uint8Array(65_536));
        },
      }, { highWaterMark: 0 });
      const response = await fetch("/echo", { method: "POST", body });
      const reader = response.body!.getReader();
      await reader.read();
      // Time enough for a guest that is not stopped to read and write on.
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(pulls).toBeLessThan(8);
      for (let received = 0; received < 2_000_000;) received += (await reader.read()).value!.length;
      expect(pulls).toBeGreaterThan(20);
      await reader.cancel();
    });

    test(name, "a guest that does not want the request's body stops its sender", async ({ fetch }) => {
      let pulls = 0;
      const cancelled = Promise.withResolvers<void>();
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          pulls++;
          controller.enqueue(new Uint8Array(65_536));
        },
        cancel: () => cancelled.resolve(),
      });
      const response = await fetch("/drop-body-unread", { method: "POST", body });
      expect(await response.text()).toBe("unread\n");
      await cancelled.promise;
      expect(pulls).toBeLessThan(5);
    });

    test(name, "requests are served at once, not one after another", async ({ fetch, dispatcher }) => {
      const callers = new AbortController();
      const all = Array.from({ length: 50 }, () => fetch("/never", { signal: callers.signal }));
      // One at a time, the second would never come to its wait.
      const waiting = () =>
        [...dispatcher.tasks].filter(({ calls }) => [...calls.keys()].some((name) => /wait/.test(name)));
      while (waiting().length < 50) {
        expect(dispatcher.tasks.size).toBe(50);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      callers.abort();
      for (const response of await Promise.all(all)) expect(await response.text()).toMatch(/^caller-gone: /);
    });

    test(name, "many waits at once in one guest", async ({ fetch }) => {
      expect(await (await fetch("/sleep-many?n=100&ms=5")).text()).toBe("slept 100\n");
    });

    test(name, "the error of a handler is told from a failure", async ({ fetch }) => {
      const response = await fetch("/set-error");
      expect([response.status, await response.text()]).toEqual([
        502,
        `guest-error: calling ${name}: the guest answered with the error internal-error (the guest says no)`,
      ]);
    });

    test(name, "stdout goes to the log, and the environment is the manifest's", async ({ fetch, logs, idle }) => {
      await (await fetch("/stdout")).text();
      await idle();
      expect(logs.filter((record) => record.source === "stdout").map((record) => record.message).slice(0, 2))
        .toEqual(["one", "two"]);
      expect(await (await fetch("/env")).text()).toMatch(/^env GREETING=ahoy\n(?!env)/);
    });

    test(name, "random bytes differ", async ({ fetch }) => {
      const both = await Promise.all([1, 2].map(async () => await (await fetch("/random?n=16")).text()));
      expect(both[0]).toMatch(/bytes=[0-9a-f]{32}\n/);
      expect(both[0]).not.toBe(both[1]);
    });

    test(name, "trailers pass between components", async ({ linked }) => {
      const { sink, source } = new ByteChannel();
      const sent = Promise.withResolvers<Fields | undefined>();
      const request: HttpRequest = {
        method: "POST",
        scheme: "http",
        authority: "neighbour",
        pathWithQuery: "/echo",
        fields: Fields.received([]),
        body: { source, trailers: sent.promise },
      };
      const task = new Task({ function: name });
      await withTask(task, async () => {
        const isolate = await linked.instantiate();
        const exchange = serveP3(isolate, "wasi:http/handler@0.3.0", request);
        sink.write(utf8("body"));
        sink.close();
        sent.resolve(Fields.from([["x-sum", utf8("42")]]));
        const { body } = await exchange.response;
        let all = "";
        for (;;) {
          await waitAny([body!.source]);
          if (body!.source.state !== "open") break;
          all += text(body!.source.take(100));
        }
        expect([body!.source.state, all]).toEqual(["closed", "body"]);
        expect((await body!.trailers)!.text("x-sum")).toBe("42");
        await exchange.finished;
        isolate.dispose();
      });
      task.end();
    });
  }

  const p3 = (what: string, body: (guest: Guest) => Promise<void>) => test("c-p3", what, body);

  p3("the answer to HEAD has no body, whatever the guest writes", async ({ fetch }) => {
    const response = await fetch("/hello", { method: "HEAD" });
    expect([response.status, response.body]).toEqual([200, null]);
  });

  p3("a guest goes on after its response, and its task with it", async ({ fetch, logs, idle }) => {
    expect(await (await fetch("/stream?chunks=1&ms=1&after=20")).text()).toBe("piece 0\n");
    await idle();
    expect(logs.map((record) => record.message)).toEqual(["after the response", "GET /stream 200"]);
  });

  p3("a length that is not the one announced breaks the connection off", async ({ fetch, logs, idle }) => {
    expect(await (await fetch("/length?declared=5&written=5")).text()).toBe("xxxxx");
    await idle();
    expect(logs[0]!.message).toBe("sent");
    for (const written of [3, 7]) {
      const response = await fetch(`/length?declared=5&written=${written}`);
      await expect(response.text()).rejects.toThrow("broken off");
      await idle();
      expect(outcomeIn(logs).message).toContain("content-length is 5");
    }
  });

  p3("an error in place of the trailers breaks the connection off", async ({ fetch, logs, idle }) => {
    await expect((await fetch("/finish-without")).text()).rejects.toThrow("broken off");
    await idle();
    expect(outcomeIn(logs).message).toContain("internal-error");
  });

  p3("a guest is refused forbidden and malformed fields, by name", async ({ fetch }) => {
    const lines = (await (await fetch("/forbidden")).text()).trim().split("\n");
    for (const line of lines.slice(0, 6)) expect(line).toMatch(/ append=forbidden from-list=forbidden/);
    expect(lines.join("\n")).toContain("immutable");
  });

  p3("a trap is the guest's failure, with its stack", async ({ fetch, logs }) => {
    const response = await fetch("/trap");
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(/^guest-trapped: calling c-p3: .*unreachable/);
    const { fields } = outcomeIn(logs);
    expect(fields!.code).toBe("guest-trapped");
    expect(String(fields!.stack)).toContain("wasm");
  });

  p3("a trap in the middle of a body breaks the connection off", async ({ fetch, logs, idle }) => {
    const response = await fetch("/trap-mid-body?ms=5");
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("broken off");
    await idle();
    expect(outcomeIn(logs).message).toContain("unreachable");
    expect(outcomeIn(logs).fields!.code).toBe("guest-trapped");
  });

  p3("exit ends the isolate, not the process", async ({ fetch }) => {
    const response = await fetch("/exit?code=3");
    expect([response.status, await response.text()]).toEqual([
      502,
      "guest-exited: running the guest: it exited with code 3",
    ]);
    expect(await (await fetch("/hello")).text()).toBe("hello\n");
  });

  p3("a guest that ends without a response is told so", async ({ fetch }) => {
    const response = await fetch("/no-response");
    expect([500, 502]).toContain(response.status);
    expect(await response.text()).toMatch(/^guest-(no-response|trapped): /);
  });

  p3("a guest may wait inside, without returning to the host", async ({ fetch }) => {
    expect(await (await fetch("/sleep-blocking?ms=10")).text()).toBe("slept\n");
  });

  Deno.test(`${engine.name}: c-p3: a guest calls out where it was granted, and nowhere else`, async () => {
    const seen: string[] = [];
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      seen.push(`${request.method} ${pathname}${search} ${request.headers.get("x-from")} ${await request.text()}`);
      return new Response("from the origin\n", { status: 418 });
    });
    const origin = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
    const guest = await openGuest(engine, "c-p3", { http: { allow: [origin, "http://127.0.0.1:9"] } });
    const call = async (query: string) => {
      const response = await guest.fetch(`/outgoing?${query}`);
      return [response.status, await response.text()];
    };
    expect(await call(`url=${origin}/a%3Fb=c`)).toEqual([418, "from the origin\n"]);
    expect(await call(`url=${origin}/post&method=POST&body=hello`)).toEqual([418, "from the origin\n"]);
    expect(seen).toEqual(["GET /a?b=c c-p3 ", "POST /post c-p3 hello"]);
    expect(await call("url=http://127.0.0.1:9/")).toEqual([200, "response: connection-refused\n"]);
    expect(await call("url=http://127.0.0.2:9/")).toEqual([200, "response: HTTP-request-denied\n"]);
    expect(guest.logs.some((record) => record.message.includes(`"allow": ["http://127.0.0.2:9"]`))).toBe(true);
    await guest.idle();
  });

  Deno.test(`${engine.name}: c-p3: a guest takes a call back`, async () => {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const origin = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
    const guest = await openGuest(engine, "c-p3", { http: { allow: [origin] } });
    const left = listener.accept().then(async (connection) => {
      const buffer = new Uint8Array(4096);
      while (await connection.read(buffer).catch(() => null) !== null);
      connection.close();
    });
    expect(await (await guest.fetch(`/outgoing-drop?url=${origin}/&ms=50`)).text()).toBe("cancelled\n");
    await left;
    await guest.idle();
    listener.close();
  });
}
