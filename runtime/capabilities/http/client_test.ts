import { expect } from "@std/expect";
import { echo } from "../../../tests/_echo.ts";
import { withTask } from "../../context.ts";
import { Fields } from "../../http/fields.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import type { LogRecord } from "../../log.ts";
import { Task } from "../../task.ts";
import { caught } from "./_serve_p2_testing.ts";
import { Client } from "./client.ts";
import { AllowList, httpGrant } from "./grant.ts";
import { outgoingHandler, RequestOptions } from "./p2_client.ts";
import { Fields as GuestFields } from "./p2_fields.ts";
import { OutgoingBody, OutgoingRequest } from "./p2_outgoing.ts";

const list = new AllowList({
  allow: ["https://api.example.com", "http://localhost:8080", "https://*.example.org", "http://[::1]"],
});

const allows = (url: string) => list.judge({ url: new URL(url), method: "GET", pathWithQuery: "/" }).allowed;

Deno.test("a function may call the origins of its grant, however they are written", () => {
  const allowed = [
    "https://api.example.com/x?y",
    "HTTPS://API.Example.COM:443/",
    "http://localhost:8080",
    "https://a.example.org",
    "https://a.b.EXAMPLE.org:443",
    "http://[0:0::1]:80/",
  ];
  expect(allowed.filter((url) => !allows(url))).toEqual([]);
});

Deno.test("a function may call nothing else", () => {
  const denied = [
    "http://api.example.com",
    "https://api.example.com:8443",
    "https://example.com",
    "https://x.api.example.com",
    "https://api.example.com.evil.example",
    "http://localhost",
    "http://127.0.0.1:8080",
    "https://example.org",
    "https://evilexample.org",
    "http://a.example.org",
    "https://a.example.org:8443",
    "https://api.example.com.",
  ];
  expect(denied.filter((url) => allows(url))).toEqual([]);
});

Deno.test("a malformed origin in a grant is refused with what to write", () => {
  const problems = [
    "api.example.com",
    "https://api.example.com/",
    "https://user@api.example.com",
    "ftp://example.com",
    "*",
    "https://*",
    "https://*.",
    "https://*.*.example.com",
    "https://a*.example.com",
    "https://*.127.0.0.1",
    "https://*.[::1]",
    "https://API.example.com",
    "https://a.example.com:443",
  ].map((origin) => [origin, httpGrant.safeParse({ allow: [origin] }).error?.issues[0]?.message]);
  expect(problems.filter(([, message]) => !/write/.test(message ?? ""))).toEqual([]);
  expect(httpGrant.safeParse({ allow: ["https://*.example.com:8443"] }).success).toBe(true);
  expect(httpGrant.safeParse({ alow: [] }).success).toBe(false);
});

Deno.test("a request that was not granted is refused, and the operator reads the line to add", async () => {
  const records: LogRecord[] = [];
  const task = new Task({ function: "test", sink: (record) => records.push(record) });
  const { sink, source } = new ByteChannel();
  const request = {
    method: "POST",
    scheme: "https",
    authority: "Api.Example.com:443",
    pathWithQuery: "/secret?token=1",
    fields: new Fields(),
    body: { source, trailers: Promise.resolve(undefined) },
  };
  await withTask(task, async () => {
    await expect(new Client({ allow: [] }).send(request)).rejects.toMatchObject({
      payload: { tag: "HTTP-request-denied" },
    });
  });
  task.end();
  expect(records.map((record) => record.message)).toEqual([
    'test may not call https://api.example.com. To allow it, add to its function.json: "grants": { "http": { "allow": ["https://api.example.com"] } }',
  ]);
  expect(sink.state).toBe("closed");
});

Deno.test("a guest's request is built as the WIT says, and refused where it cannot be sent", () => {
  const task = new Task({ function: "test" });
  withTask(task, () => {
    const handle = outgoingHandler(new Client({ allow: ["https://a.example"] }));
    const request = new OutgoingRequest(GuestFields.fromList([["x", latin1Bytes("1")]]));
    expect([request.method(), request.scheme(), request.authority(), request.pathWithQuery()]).toEqual([
      { tag: "get" },
      undefined,
      undefined,
      undefined,
    ]);
    expect(() => request.headers().delete("x")).toThrow("immutable");
    expect(caught(() => handle(request, undefined))).toEqual({ tag: "HTTP-request-URI-invalid" });
    request.setAuthority("b.example");
    // Without a scheme it is HTTPS.
    expect(caught(() => handle(request, new RequestOptions()))).toEqual({ tag: "HTTP-request-denied" });
    request.setScheme({ tag: "other", val: "ws" });
    expect(caught(() => handle(request, undefined))).toEqual({ tag: "HTTP-protocol-error" });
    for (
      const refused of [
        () => request.setAuthority("user@b.example"),
        () => request.setPathWithQuery("no-slash"),
        () => request.setPathWithQuery("/a\r\nb: c"),
        () => request.setMethod({ tag: "other", val: "A B" }),
        () => request.setScheme({ tag: "other", val: "a b" }),
      ]
    ) expect(caught(refused)).toBe(undefined);
    const announced = new OutgoingRequest(GuestFields.fromList([["content-length", latin1Bytes("5")]]));
    announced.setAuthority("a.example");
    expect(caught(() => handle(announced, undefined))).toEqual({ tag: "HTTP-request-body-size", val: 0n });
  });
  task.end();
});

Deno.test("a future response is told once, and dropped before that it calls its request off", async () => {
  const gone = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (new URL(request.url).pathname === "/echo") return echo(request);
    request.signal.addEventListener("abort", () => aborted.resolve());
    reached.resolve();
    await gone.promise;
    return new Response();
  });
  const task = new Task({ function: "test" });
  await withTask(task, async () => {
    const authority = `127.0.0.1:${server.addr.port}`;
    const handle = outgoingHandler(new Client({ allow: [`http://${authority}`] }));
    const make = (path: string) => {
      const request = new OutgoingRequest(new GuestFields());
      request.setScheme({ tag: "HTTP" });
      request.setAuthority(authority);
      request.setPathWithQuery(path);
      return request;
    };
    const posted = make("/echo");
    posted.setMethod({ tag: "post" });
    const body = posted.body();
    const future = handle(posted, undefined);
    expect(future.get()).toBe(undefined);
    const stream = body.write();
    await stream.blockingWriteAndFlush(latin1Bytes("hello"));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
    await future.subscribe().block();
    const outcome = future.get();
    expect(outcome).toMatchObject({ tag: "ok", val: { tag: "ok" } });
    expect(future.get()).toEqual({ tag: "err", val: undefined });
    if (outcome?.tag !== "ok" || outcome.val.tag !== "ok") return;
    const response = outcome.val.val;
    expect(response.status()).toBe(200);
    const input = response.consume().stream();
    expect(await input.blockingRead(100n)).toEqual(latin1Bytes("hello"));
    await expect(input.blockingRead(100n)).rejects.toMatchObject({ payload: { tag: "closed" } });

    const dropped = handle(make("/never"), undefined);
    await reached.promise;
    dropped[Symbol.dispose]();
    await aborted.promise;
    expect(task.ended).toBe(false);
  });
  gone.resolve();
  task.end();
  await server.shutdown();
});
