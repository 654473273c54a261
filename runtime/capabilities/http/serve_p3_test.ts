import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { type HostStream, type Result } from "../../engine/streams.ts";
import { GuestExit, SkerryError, WitError } from "../../errors.ts";
import { Fields as HostFields, latin1Bytes, latin1Text } from "../../http/fields.ts";
import type { Body, Exchange, HttpRequest } from "../../http/message.ts";
import { STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { ByteChannel, type ByteSink, type ByteSource } from "../../streams/bytes.ts";
import { waitAny } from "../../streams/waitable.ts";
import { Task } from "../../task.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";
import type { Transmission } from "./p3_contents.ts";
import { Fields } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";
import { serveP3 } from "./serve_p3.ts";

const NAME = "wasi:http/handler@0.3.0";
const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
type Trailers = Result<Fields | undefined, ErrorCode>;
const OK = Promise.resolve({ tag: "ok" } as const);

function request(options: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    scheme: "https",
    authority: "example.com:8443",
    pathWithQuery: "/a/../b?c=%20",
    fields: HostFields.received([["x-tag", utf8("1")], ["X-Tag", utf8("2")], ["connection", utf8("close")]]),
    body: null,
    ...options,
  };
}

interface Served {
  readonly task: Task;
  readonly exchange: Exchange;
  /** What the engine would tell: the last guest task is over, or trapped. */
  readonly ended: PromiseWithResolvers<void>;
}

/** Calls `handle` as an engine would call a guest. */
function serve(handle: (request: Request) => unknown, options: Partial<HttpRequest> = {}): Served {
  const task = new Task({ function: "test" });
  const ended = Promise.withResolvers<void>();
  const isolate: Isolate = {
    exports: { [NAME]: { handle: async (request) => await handle(request) } },
    ended: ended.promise,
    dispose() {},
  };
  return { task, ended, exchange: withTask(task, () => serveP3(isolate, NAME, request(options))) };
}

/** What a guest does to answer: `write` gets the writable end of the body. */
function answer(
  write: ((sink: ByteSink) => void) | null,
  { headers = [], status = 200, trailers = OK }: {
    headers?: [string, string][];
    status?: number;
    trailers?: PromiseLike<Trailers>;
  } = {},
): [Response, Promise<Transmission>] {
  const fields = Fields.fromList(headers.map(([name, value]) => [name, latin1Bytes(value)]));
  const channel = new ByteChannel();
  const [response, sent] = Response.new(fields, write === null ? undefined : channel.source, trailers);
  response.setStatusCode(status);
  write?.(channel.sink);
  return [response, sent];
}

const hello = (sink: ByteSink) => {
  sink.write(utf8("hello"));
  sink.close();
};

/** All that the server would send of a body. */
async function drain(body: Body | null): Promise<string> {
  if (body === null) return "";
  let all = "";
  while (true) {
    await waitAny([body.source]);
    if (body.source.state === "closed") return all;
    if (body.source.state === "errored") throw body.source.error;
    all += text(body.source.take(3));
  }
}

async function readAll(stream: unknown): Promise<string> {
  let all = "";
  for await (const chunk of stream as HostStream) all += text(chunk);
  return all;
}

const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: SkerryError) => error.code);

Deno.test("a 0.3 guest sees the request as the caller sent it, and its head cannot be changed through the headers", async () => {
  const { exchange, task, ended } = serve((request) => {
    const headers = request.getHeaders();
    expect(request.getMethod()).toEqual({ tag: "other", val: "PURGE" });
    expect(request.getScheme()).toEqual({ tag: "HTTPS" });
    expect(request.getAuthority()).toBe("example.com:8443");
    expect(request.getPathWithQuery()).toBe("/a/../b?c=%20");
    expect(request.getOptions()).toBe(undefined);
    expect(headers.copyAll().map(([name, value]) => [name, text(value)])).toEqual([["x-tag", "1"], ["X-Tag", "2"]]);
    expect(() => headers.append("x", utf8("y"))).toThrow("immutable");
    return answer(null)[0];
  }, { method: "PURGE" });
  expect((await exchange.response).status).toBe(200);
  ended.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a response without a body is a response", async () => {
  const { exchange, task, ended } = serve(() => answer(null, { status: 204 })[0]);
  const response = await exchange.response;
  expect([response.status, response.body]).toEqual([204, null]);
  ended.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a response begins while the guest still writes its body, and a slow reader stops the guest", async () => {
  let sink!: ByteSink;
  const { exchange, task, ended } = serve(() => answer((body) => sink = body, { headers: [["x-a", "b"]] })[0]);
  const { body, fields } = await exchange.response;
  expect(latin1Text(fields.get("x-a")[0]!)).toBe("b");
  sink.write(new Uint8Array(sink.room));
  await new Promise((resolve) => setTimeout(resolve));
  expect(sink.ready).toBe(false);
  expect(body!.source.take(10).length).toBe(10);
  expect(sink.ready).toBe(true);
  sink.close();
  await drain(body);
  ended.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a short body is there as a whole when the response is", async () => {
  let sent!: Promise<Transmission>;
  let done = false;
  const { exchange, task } = serve(() => {
    const [response, transmission] = answer((sink) => {
      // As a guest does: it goes on when the host has read what it wrote.
      const goOn = () => sink.write(utf8("lo"));
      sink.write(utf8("hel"));
      sink.subscribe(() => (goOn(), sink.close()));
    }, { headers: [["content-length", "5"]] });
    (sent = transmission).then(() => done = true);
    return response;
  });
  const { source } = (await exchange.response).body!;
  expect([source.remaining, done]).toEqual([5, false]);
  expect(text(source.take(5))).toBe("hello");
  expect(await sent).toEqual({ tag: "ok" });
  task.end();
});

Deno.test("a body without end is neither waited for nor fetched without end", async () => {
  let fetched = 0;
  const endless: ByteSource = {
    state: "open",
    error: undefined,
    ready: true,
    take(max) {
      fetched += Math.min(max, 1000);
      return new Uint8Array(Math.min(max, 1000));
    },
    cancel() {},
    subscribe: () => () => {},
  };
  const { exchange, task } = serve(() => Response.new(new Fields(), endless, OK)[0]);
  const { source } = (await exchange.response).body!;
  expect([fetched, source.remaining]).toEqual([STREAM_HIGH_WATER_BYTES, undefined]);
  task.end();
});

Deno.test("trailers end a body: it waits for them, and has them", async () => {
  const trailers = Promise.withResolvers<Trailers>();
  const { exchange, task } = serve(() => answer(hello, { trailers: trailers.promise })[0]);
  const { body } = await exchange.response;
  expect(text(body!.source.take(10))).toBe("hello");
  expect([body!.source.state, body!.source.ready]).toEqual(["open", false]);
  trailers.resolve({ tag: "ok", val: Fields.fromList([["x-sum", utf8("42")]]) });
  expect(await drain(body)).toBe("");
  expect((await body!.trailers)!.get("x-sum").map(text)).toEqual(["42"]);
  task.end();
});

Deno.test("trailers that are an error break the body off at once, and the guest is told", async () => {
  let sink!: ByteSink;
  const trailers = Promise.resolve({ tag: "err", val: { tag: "internal-error", val: "lost" } } as const);
  let sent!: Promise<Transmission>;
  const { exchange, task } = serve(() => {
    const [response, transmission] = answer((body) => sink = body, { trailers });
    sent = transmission;
    return response;
  });
  const { body } = await exchange.response;
  expect(await code(drain(body))).toBe("guest-response-incomplete");
  expect(await code(body!.trailers)).toBe("guest-response-incomplete");
  expect(sink.state).toBe("closed");
  expect(await sent).toEqual({ tag: "err", val: { tag: "internal-error", val: "lost" } });
  task.end();
});

for (const [written, what] of [["hell", "fewer"], ["hello!", "more"]] as const) {
  Deno.test(`${what} bytes than content-length break the body off, and the guest is told`, async () => {
    let sent!: Promise<Transmission>;
    const { exchange, task } = serve(() => {
      const [response, transmission] = answer((sink) => {
        sink.write(utf8(written));
        sink.close();
      }, { headers: [["content-length", "5"]] });
      sent = transmission;
      return response;
    });
    const { body } = await exchange.response;
    expect(body!.length).toBe(5);
    expect(await code(drain(body))).toBe("guest-response-incomplete");
    expect(await sent).toEqual({ tag: "err", val: { tag: "HTTP-response-body-size", val: BigInt(written.length) } });
    task.end();
  });
}

Deno.test("content-length speaks of no body in the answer to HEAD, and in 304", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 304]] as const) {
    for (const write of [null, (sink: ByteSink) => sink.close()]) {
      const { exchange, task } = serve(() => answer(write, { status, headers: [["content-length", "5"]] })[0], {
        method,
      });
      expect(await drain((await exchange.response).body)).toBe("");
      task.end();
    }
  }
});

Deno.test("a response that contradicts itself is refused", async () => {
  let sink: ByteSink | undefined;
  const keep = (writable: ByteSink) => sink = writable;
  for (const [write, lengths] of [[null, ["5"]], [keep, ["5", "6"]], [keep, ["five"]]] as const) {
    const headers = lengths.map((length): [string, string] => ["content-length", length]);
    const { exchange, task } = serve(() => answer(write, { headers })[0]);
    expect(await code(exchange.response)).toBe("guest-response-invalid");
    expect(await code(exchange.finished)).toBe("guest-response-invalid");
    if (write !== null) expect(sink!.state).toBe("closed");
    task.end();
  }
});

Deno.test("the future of a response resolves when the last byte has been taken, or the caller has gone", async () => {
  for (const leave of [false, true]) {
    let sent!: Promise<Transmission>;
    let done: Transmission | undefined;
    const { exchange, task } = serve(() => {
      const [response, transmission] = answer(hello);
      (sent = transmission).then((result) => done = result);
      return response;
    });
    const { body } = await exchange.response;
    expect(text(body!.source.take(2))).toBe("he");
    await new Promise((resolve) => setTimeout(resolve));
    expect(done).toBe(undefined);
    if (leave) body!.source.cancel();
    else await drain(body);
    expect(await sent).toEqual(leave ? { tag: "err", val: { tag: "connection-terminated" } } : { tag: "ok" });
    task.end();
  }
});

Deno.test("a guest reads the request's body as it comes, then its trailers", async () => {
  const { sink, source } = new ByteChannel();
  const trailers = Promise.withResolvers<HostFields | undefined>();
  const { exchange, task } = serve(async (request) => {
    const [stream, after] = Request.consumeBody(request, OK);
    const all = await readAll(stream);
    const result = await after as Trailers;
    expect(result.tag === "ok" && result.val?.get("x-sum").map(text)).toEqual(["42"]);
    return answer(null, { headers: [["x-body", all]] })[0];
  }, { method: "POST", body: { source, trailers: trailers.promise } });
  sink.write(utf8("one "));
  sink.write(utf8("two"));
  sink.close();
  trailers.resolve(HostFields.from([["x-sum", utf8("42")]]));
  expect((await exchange.response).fields.text("x-body")).toBe("one two");
  task.end();
});

Deno.test("a request's body that breaks off ends the stream, and the future says why", async () => {
  for (
    const [error, told] of [
      [new HttpFailure("HTTP-protocol-error"), { tag: "HTTP-protocol-error" }],
      [new Error("/etc/secret"), { tag: "connection-terminated" }],
    ] as const
  ) {
    const { sink, source } = new ByteChannel();
    const { exchange, task } = serve(async (request) => {
      const [stream, after] = Request.consumeBody(request, OK);
      expect(await readAll(stream)).toBe("half");
      expect(await after).toEqual({ tag: "err", val: told });
      return answer(null)[0];
      // The server's own requests know of no trailers, so theirs are there before the body is.
    }, { method: "POST", body: { source, trailers: Promise.resolve(undefined) } });
    sink.write(utf8("half"));
    sink.abort(error);
    await exchange.response;
    task.end();
  }
});

Deno.test("a guest that does not read the request's body stops its sender, and gives it up with the request", async () => {
  const { sink, source } = new ByteChannel();
  const read = Promise.withResolvers<void>();
  const { exchange, task } = serve(async (request) => {
    await read.promise;
    request[Symbol.dispose]();
    return answer(null)[0];
  }, { method: "POST", body: { source, trailers: Promise.resolve(undefined) } });
  sink.write(new Uint8Array(sink.room));
  expect([sink.ready, sink.state]).toEqual([false, "open"]);
  read.resolve();
  await exchange.response;
  expect(sink.state).toBe("closed");
  task.end();
});

Deno.test("a guest that finds fault with the request's body, or drops the stream, need not be sent the rest", async () => {
  for (const how of ["verdict", "drop"]) {
    const { sink, source } = new ByteChannel();
    const { exchange, task } = serve(async (request) => {
      const fault = Promise.resolve({ tag: "err", val: { tag: "HTTP-request-body-size", val: undefined } } as const);
      const [stream, after] = Request.consumeBody(request, how === "verdict" ? fault : OK);
      if (how === "drop") await (stream as HostStream).return();
      else await fault;
      // Nothing went wrong that the guest does not know of.
      expect(await after).toEqual({ tag: "ok", val: undefined });
      return answer(null)[0];
    }, { method: "POST", body: { source, trailers: Promise.resolve(undefined) } });
    await exchange.response;
    expect(sink.state).toBe("closed");
    task.end();
  }
});

Deno.test("a request's body and trailers can be the response's: both directions at once", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task } = serve((request) => {
    const [stream, trailers] = Request.consumeBody(request, OK);
    return Response.new(new Fields(), (stream as HostStream).source, trailers)[0];
  }, { method: "POST", body: { source, trailers: Promise.resolve(HostFields.from([["x-sum", utf8("42")]])) } });
  const { body } = await exchange.response;
  sink.write(utf8("there "));
  await waitAny([body!.source]);
  expect(text(body!.source.take(100))).toBe("there ");
  sink.write(utf8("and back"));
  sink.close();
  expect(await drain(body)).toBe("and back");
  expect((await body!.trailers)!.text("x-sum")).toBe("42");
  task.end();
});

Deno.test("a guest that has read all bytes and drops the stream still gets the trailers", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(utf8("five!"));
  const { exchange, task } = serve(async (request) => {
    const [stream, after] = Request.consumeBody(request, OK);
    expect(text((await (stream as HostStream).next()).value!)).toBe("five!");
    sink.close();
    await (stream as HostStream).return();
    const result = await after as Trailers;
    expect(result.tag === "ok" && result.val?.get("x-sum").map(text)).toEqual(["42"]);
    return answer(null)[0];
  }, { method: "POST", body: { source, trailers: Promise.resolve(HostFields.from([["x-sum", utf8("42")]])) } });
  expect((await exchange.response).status).toBe(200);
  task.end();
});

Deno.test("a response that came from elsewhere is passed on as it is, and its failure is the function's", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task, ended } = serve(() => {
    const fields = HostFields.received([["x-from", utf8("upstream")]]);
    return Response.received({ status: 418, fields, body: { source, trailers: Promise.resolve(undefined) } });
  });
  const { status, fields, body } = await exchange.response;
  expect([status, fields.text("x-from")]).toEqual([418, "upstream"]);
  ended.resolve();
  await exchange.finished;
  sink.write(utf8("half"));
  expect(text(body!.source.take(10))).toBe("half");
  sink.abort(new HttpFailure("HTTP-response-incomplete"));
  expect(await code(drain(body))).toBe("guest-response-incomplete");
  task.end();
});

Deno.test("a message that has been used has nothing left to drop", async () => {
  const task = new Task({ function: "test" });
  for (const kind of ["request", "response"]) {
    const { sink, source } = new ByteChannel();
    const message = kind === "request"
      ? Request.new(new Fields(), source, OK, undefined)[0]
      : Response.new(new Fields(), source, OK)[0];
    const [stream] = withTask(
      task,
      () => message instanceof Request ? Request.consumeBody(message, OK) : Response.consumeBody(message, OK),
    );
    message[Symbol.dispose]();
    sink.write(utf8("mine"));
    sink.close();
    expect(await readAll(stream)).toBe("mine");
  }
  task.end();
});

Deno.test("a guest's error, trap, exit and silence are told apart", async () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  for (
    const [handle, expected, message] of [
      [() => Promise.reject(new WitError({ tag: "internal-error", val: "no" })), "guest-error", "internal-error (no)"],
      [() => Promise.reject(trap), "guest-trapped", "unreachable"],
      [() => Promise.reject(new GuestExit(3)), "guest-exited", "code 3"],
      [() => ({}), "guest-response-invalid", "another host"],
    ] as const
  ) {
    const { exchange, task } = serve(handle);
    const error = await exchange.response.catch((error) => error) as SkerryError;
    expect([error.code, error.message]).toEqual([expected, expect.stringContaining(message)]);
    if (expected === "guest-trapped") expect(error.cause).toBe(trap);
    expect(await code(exchange.finished)).toBe(expected);
    task.end();
  }
  const silent = serve(() => new Promise(() => {}));
  silent.ended.resolve();
  expect(await code(silent.exchange.response)).toBe("guest-no-response");
  silent.task.end();
});

Deno.test("a guest that traps or exits in the middle of its body breaks it off", async () => {
  for (
    const [thrown, expected] of [[new Error("trap"), "guest-trapped"], [new GuestExit(0), "guest-exited"]] as const
  ) {
    const { exchange, task, ended } = serve(() => answer((sink) => sink.write(utf8("half")))[0]);
    const { body } = await exchange.response;
    ended.reject(thrown);
    expect(await code(exchange.finished)).toBe(expected);
    expect(await code(drain(body))).toBe(expected);
    task.end();
  }
});

Deno.test("a guest that exits after all is sent has finished", async () => {
  const { exchange, task, ended } = serve(() => answer(hello)[0]);
  await drain((await exchange.response).body);
  ended.reject(new GuestExit(0));
  await exchange.finished;
  task.end();
});

Deno.test("the exchange goes on until the guest's last task is over", async () => {
  const { exchange, task, ended } = serve(() => answer(hello)[0]);
  let finished = false;
  exchange.finished.then(() => finished = true);
  await drain((await exchange.response).body);
  await new Promise((resolve) => setTimeout(resolve));
  expect(finished).toBe(false);
  ended.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a stream of the host that the guest passed on outlives the guest", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task, ended } = serve((request) => {
    const [stream, trailers] = Request.consumeBody(request, OK);
    return Response.new(new Fields(), (stream as HostStream).source, trailers)[0];
  }, { method: "POST", body: { source, trailers: Promise.resolve(undefined) } });
  const { body } = await exchange.response;
  ended.resolve();
  await exchange.finished;
  // Longer than a guest's own last bytes may take.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  sink.write(utf8("much later"));
  expect(text(body!.source.take(100))).toBe("much later");
  sink.close();
  expect(await drain(body)).toBe("");
  task.end();
});

Deno.test("a body that nobody is left to write is broken off", async () => {
  const { exchange, task, ended } = serve(() => answer((sink) => sink.write(utf8("half")))[0]);
  const { body } = await exchange.response;
  ended.resolve();
  await exchange.finished;
  expect(await code(drain(body))).toBe("guest-response-incomplete");
  task.end();
});

Deno.test("a task that ends rejects the response and the end, and gives the request's body up", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task } = serve(() => new Promise(() => {}), {
    method: "POST",
    body: { source, trailers: Promise.resolve(undefined) },
  });
  task.end(new SkerryError("deadline-exceeded", "too late"));
  expect(await code(exchange.response)).toBe("deadline-exceeded");
  expect(await code(exchange.finished)).toBe("deadline-exceeded");
  expect(sink.state).toBe("closed");
});

Deno.test("without an engine that can tell, the exchange has finished with the body", async () => {
  const task = new Task({ function: "test" });
  const [response] = answer(hello);
  const isolate: Isolate = { exports: { [NAME]: { handle: () => Promise.resolve(response) } }, dispose() {} };
  const exchange = withTask(task, () => serveP3(isolate, NAME, request()));
  await drain((await exchange.response).body);
  await exchange.finished;
  task.end();
});

Deno.test("a component without the handler is refused by name", async () => {
  const task = new Task({ function: "test" });
  const exchange = withTask(task, () => serveP3({ exports: {}, dispose() {} }, NAME, request()));
  expect(await code(exchange.response)).toBe("component-no-handler");
  task.end();
});
