import { expect } from "@std/expect";
import { echo } from "../../../tests/_echo.ts";
import { withTask } from "../../context.ts";
import { mayWait } from "../../engine/mod.ts";
import { CALL_OFF, type CallOff, type HostStream } from "../../engine/streams.ts";
import { WitError } from "../../errors.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import { Task } from "../../task.ts";
import { http } from "./mod.ts";
import { p3 } from "./p3.ts";
import type { Transmission } from "./p3_contents.ts";
import { Fields, RequestOptions } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const OK = Promise.resolve({ tag: "ok" } as const);
type Send = (request: Request) => CallOff<Response>;

/** Runs `body` as a function that may call `origin`, which answers by `handler`. */
async function withOrigin(
  handler: (request: globalThis.Request) => globalThis.Response | Promise<globalThis.Response>,
  body: (send: Send, authority: string, logged: string[]) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const authority = `127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
  const logged: string[] = [];
  const task = new Task({ function: "test", sink: (record) => logged.push(record.message) });
  const send = p3({ allow: [`http://${authority}`] })["wasi:http/client@0.3.0"]!.send as Send;
  try {
    await withTask(task, () => body(send, authority, logged));
  } finally {
    task.end();
  }
}

interface Made {
  authority: string;
  path?: string;
  method?: string;
  headers?: [string, string][];
  contents?: unknown;
  trailers?: Promise<unknown>;
  options?: RequestOptions;
}

function make(made: Made): [Request, Promise<Transmission>] {
  const headers = Fields.fromList((made.headers ?? []).map(([name, value]) => [name, utf8(value)]));
  const [request, sent] = Request.new(headers, made.contents, made.trailers ?? OK, made.options);
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(made.authority);
  request.setPathWithQuery(made.path ?? "/");
  request.setMethod({ tag: "other", val: made.method ?? "GET" });
  return [request, sent];
}

async function readAll(response: Response): Promise<string> {
  const [stream, trailers] = Response.consumeBody(response, OK);
  let all = "";
  for await (const chunk of stream as HostStream) all += text(chunk);
  expect(await trailers).toEqual({ tag: "ok", val: undefined });
  return all;
}

const payload = (promise: Promise<unknown>) => promise.then(() => "no error", (error: WitError) => error.payload);

Deno.test("a request is sent as the guest made it, and its response comes back", async () => {
  await withOrigin(
    (request) =>
      new globalThis.Response(`${request.method} ${request.url.slice(request.url.indexOf("/", 8))}`, {
        status: 418,
        headers: { "x-got": request.headers.get("x-sent") ?? "" },
      }),
    async (send, authority) => {
      const [request, sent] = make({ authority, path: "/a?b=%20", method: "PURGE", headers: [["x-sent", "this"]] });
      const response = await send(request);
      expect(response.getStatusCode()).toBe(418);
      const headers = response.getHeaders();
      expect(headers.get("X-Got").map(text)).toEqual(["this"]);
      expect(() => headers.set("x", [])).toThrow("immutable");
      expect(await readAll(response)).toBe("PURGE /a?b=%20");
      expect(await sent).toEqual({ tag: "ok" });
    },
  );
});

Deno.test("bodies stream both ways, and the request's future resolves with its last byte", async () => {
  await withOrigin(echo, async (send, authority) => {
    const { sink, source } = new ByteChannel();
    const [request, sent] = make({ authority, method: "POST", contents: source });
    let done: Transmission | undefined;
    sent.then((result) => done = result);
    sink.write(utf8("ping "));
    const response = await send(request);
    const [stream] = Response.consumeBody(response, OK);
    expect(text((await (stream as HostStream).next()).value!)).toBe("ping ");
    expect(done).toBe(undefined);
    sink.write(utf8("pong"));
    sink.close();
    let rest = "";
    for await (const chunk of stream as HostStream) rest += text(chunk);
    expect(rest).toBe("pong");
    expect(await sent).toEqual({ tag: "ok" });
  });
});

Deno.test("an origin that was not granted is refused, the guest's body dropped, and the operator told", async () => {
  await withOrigin(() => new globalThis.Response("reached"), async (send, _, logged) => {
    const { sink, source } = new ByteChannel();
    const [request, sent] = make({ authority: "127.0.0.1:9", method: "POST", contents: source });
    expect(await payload(send(request))).toEqual({ tag: "HTTP-request-denied" });
    expect(await sent).toEqual({ tag: "err", val: { tag: "HTTP-request-denied" } });
    expect(sink.state).toBe("closed");
    expect(logged.join()).toContain(`"allow": ["http://127.0.0.1:9"]`);
  });
});

Deno.test("what cannot be sent is refused with its error-code", async () => {
  await withOrigin(() => new globalThis.Response("reached"), async (send, authority) => {
    const short = new ByteChannel();
    short.sink.write(utf8("five"));
    short.sink.close();
    const spoiled = new ByteChannel();
    const noTrailers = Promise.resolve({ tag: "err", val: { tag: "configuration-error" } } as const);
    const unsent = new ByteChannel();
    const [nowhere] = Request.new(new Fields(), unsent.source, OK, undefined);
    for (
      const [[request, sent], expected] of [
        [[nowhere, undefined], { tag: "HTTP-request-URI-invalid" }],
        [make({ authority, headers: [["content-length", "5"]] }), { tag: "HTTP-request-body-size", val: 0n }],
        [make({ authority, headers: [["content-length", "x"]] }), { tag: "HTTP-protocol-error" }],
        [
          make({ authority, method: "PUT", headers: [["content-length", "5"]], contents: short.source }),
          { tag: "HTTP-request-body-size", val: 4n },
        ],
        [
          make({ authority, method: "PUT", contents: spoiled.source, trailers: noTrailers }),
          { tag: "configuration-error" },
        ],
      ] as const
    ) {
      expect(await payload(send(request))).toEqual(expected);
      if (sent !== undefined) expect(await sent).toEqual({ tag: "err", val: expected });
    }
    expect(unsent.sink.state).toBe("closed");
  });
});

Deno.test("the timeouts of request-options hold, and belong to the request", async () => {
  const answer = Promise.withResolvers<globalThis.Response>();
  await withOrigin(() => answer.promise, async (send, authority) => {
    const options = new RequestOptions();
    options.setFirstByteTimeout(20_000_000n);
    const [request] = make({ authority, options });
    expect(() => options.setFirstByteTimeout(undefined)).toThrow("immutable");
    expect(request.getOptions()!.getFirstByteTimeout()).toBe(20_000_000n);
    expect(() => request.getOptions()!.setConnectTimeout(1n)).toThrow("immutable");
    const copy = request.getOptions()!.clone();
    copy.setConnectTimeout(1n);
    expect(copy.getConnectTimeout()).toBe(1n);
    expect(await payload(send(request))).toEqual({ tag: "connection-read-timeout" });
    answer.resolve(new globalThis.Response(null));
  });
});

/** A server that accepts one connection, writes `head` and then nothing; resolves when the client has left. */
function deaf(head: string): { authority: string; reached: Promise<void>; left: Promise<void> } {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const reached = Promise.withResolvers<void>();
  const left = (async () => {
    using connection = await listener.accept();
    listener.close();
    const buffer = new Uint8Array(4096);
    let read = await connection.read(buffer);
    await connection.write(utf8(head));
    reached.resolve();
    // A client that leaves with bytes unread resets the connection.
    while (read !== null) read = await connection.read(buffer).catch(() => null);
  })();
  return { authority: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`, reached: reached.promise, left };
}

Deno.test("a request that the guest takes back is called off", async () => {
  const { authority, reached, left } = deaf("");
  // The deadline only keeps a failure from hanging.
  const task = new Task({ function: "test", wallMs: 300_000 });
  await withTask(task, async () => {
    const send = p3({ allow: [`http://${authority}`] })["wasi:http/client@0.3.0"]!.send as Send;
    const [request, sent] = make({ authority });
    const call = send(request);
    await reached;
    call[CALL_OFF]();
    await left;
    expect(task.ended).toBe(false);
    expect(await sent).toEqual({ tag: "err", val: { tag: "connection-terminated" } });
  });
  task.end();
});

Deno.test("a response that the guest drops unread is given up", async () => {
  const { authority, left } = deaf("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nhalf");
  const task = new Task({ function: "test", wallMs: 300_000 });
  await withTask(task, async () => {
    const send = p3({ allow: [`http://${authority}`] })["wasi:http/client@0.3.0"]!.send as Send;
    const response = await send(make({ authority })[0]);
    response[Symbol.dispose]();
    await left;
    expect(task.ended).toBe(false);
  });
  task.end();
});

Deno.test("a message that is dropped unsent lets its makers go, and says so", async () => {
  for (const kind of ["request", "response"] as const) {
    const { sink, source } = new ByteChannel();
    let dropped = 0;
    const trailers = { then: () => expect("read").toBe("dropped"), [Symbol.dispose]: () => void dropped++ };
    const [message, sent] = kind === "request"
      ? Request.new(new Fields(), source, trailers, undefined)
      : Response.new(new Fields(), source, trailers);
    message[Symbol.dispose]();
    expect([sink.state, dropped]).toEqual(["closed", 1]);
    const result = await sent;
    expect(result).toEqual({ tag: "err", val: { tag: "internal-error", val: `the ${kind} was dropped unsent` } });
  }
});

Deno.test("a guest can take its own message apart again", async () => {
  const { sink, source } = new ByteChannel();
  const trailers = Promise.resolve({ tag: "ok", val: Fields.fromList([["x-sum", utf8("42")]]) } as const);
  const [response, sent] = Response.new(new Fields(), source, trailers);
  const verdict = Promise.resolve({ tag: "err", val: { tag: "loop-detected" } } as const);
  const [stream, after] = Response.consumeBody(response, verdict);
  sink.write(utf8("mine"));
  sink.close();
  expect(text((await (stream as HostStream).next()).value!)).toBe("mine");
  expect((await (stream as HostStream).next()).done).toBe(true);
  expect(await after).toBe(await trailers);
  expect(await sent).toEqual({ tag: "err", val: { tag: "loop-detected" } });
});

Deno.test("a request's parts are checked, and none is lost", () => {
  const [request] = Request.new(new Fields(), undefined, OK, undefined);
  expect([request.getMethod(), request.getScheme(), request.getAuthority(), request.getPathWithQuery()])
    .toEqual([{ tag: "get" }, undefined, undefined, undefined]);
  for (
    const set of [
      () => request.setMethod({ tag: "other", val: "A B" }),
      () => request.setScheme({ tag: "other", val: "1:" }),
      () => request.setAuthority("user@host"),
      () => request.setPathWithQuery("/a\r\nb"),
    ]
  ) expect(set).toThrow(WitError);
  request.setScheme({ tag: "HTTPS" });
  request.setAuthority("example.com");
  request.setPathWithQuery("/x");
  request.setAuthority(undefined);
  expect([request.getScheme(), request.getAuthority(), request.getPathWithQuery(), request.getOptions()])
    .toEqual([{ tag: "HTTPS" }, undefined, "/x", undefined]);
  const [response] = Response.new(new Fields(), undefined, OK);
  for (const message of [request, response]) {
    expect(() => message.getHeaders().append("x", utf8("y"))).toThrow("immutable");
  }
  expect(() => response.setStatusCode(99)).toThrow(WitError);
  expect(() => response.setStatusCode(600)).toThrow(WitError);
  response.setStatusCode(599);
  expect(response.getStatusCode()).toBe(599);
});

Deno.test("fields 0.3 refuse with the right header-error, and give away no way in", () => {
  const fields = Fields.fromList([["Set-Cookie", utf8("a=1")], ["set-cookie", utf8("b=2")], ["x", utf8("")]]);
  expect(fields.getAndDelete("SET-COOKIE").map(text)).toEqual(["a=1", "b=2"]);
  expect([fields.has("set-cookie"), fields.has("x"), fields.has("no field")]).toEqual([false, true, false]);
  fields.delete("x");
  expect(fields.copyAll()).toEqual([]);
  const value = utf8("kept");
  fields.append("y", value);
  value.fill(0);
  expect(fields.get("y").map(text)).toEqual(["kept"]);
  const copy = fields.clone();
  copy.set("y", [utf8("other")]);
  expect(fields.get("y").map(text)).toEqual(["kept"]);
  const refusals: [() => void, string][] = [
    [() => fields.append("no field", value), "invalid-syntax"],
    [() => fields.set("x", [utf8("a\nb")]), "invalid-syntax"],
    [() => Fields.fromList([["Connection", value]]), "forbidden"],
    [() => fields.delete("host"), "forbidden"],
    [() => fields.append("x", new Uint8Array(1024 * 1024).fill(65)), "size-exceeded"],
  ];
  for (const [call, tag] of refusals) {
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    expect((thrown as WitError).payload).toEqual({ tag });
  }
});

Deno.test("the capability http provides both versions, and its send may wait", () => {
  const host = p3({ allow: [] });
  for (const name of Object.keys(host)) expect(http.interfaces).toContain(name);
  expect(mayWait(host["wasi:http/client@0.3.0"]!.send)).toBe(true);
});
