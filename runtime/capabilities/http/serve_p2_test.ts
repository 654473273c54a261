import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { GuestExit, SkerryError, WitError } from "../../errors.ts";
import { Fields as HostFields, latin1Bytes, latin1Text } from "../../http/fields.ts";
import type { Body, Exchange, HttpRequest } from "../../http/message.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import type { IoError } from "../../streams/p2/mod.ts";
import { waitAny } from "../../streams/waitable.ts";
import { Task } from "../../task.ts";
import { HttpFailure } from "./error_code.ts";
import { p2 } from "./p2.ts";
import { Fields } from "./p2_fields.ts";
import type { IncomingRequest } from "./p2_incoming.ts";
import { IncomingBody } from "./p2_incoming.ts";
import { OutgoingBody, OutgoingResponse } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";
import { serveP2 } from "./serve_p2.ts";

const httpErrorCode = p2({ allow: [] })["wasi:http/types@0.2.12"]!.httpErrorCode as (error: IoError) => unknown;
const NAME = "wasi:http/incoming-handler@0.2.3";
const utf8 = (text: string) => new TextEncoder().encode(text);
type Handle = (request: IncomingRequest, out: ResponseOutparam) => void | Promise<void>;

function request(options: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    scheme: "https",
    authority: "example.com:8443",
    pathWithQuery: "/a/../b?c=%20",
    fields: HostFields.received([["x-tag", utf8("1")], ["X-Tag", utf8("2")]]),
    body: null,
    ...options,
  };
}

/** Calls `handle` as an engine would call a guest. */
function serve(handle: Handle, options: Partial<HttpRequest> = {}): { task: Task; exchange: Exchange } {
  const task = new Task({ function: "test" });
  const isolate: Isolate = {
    // deno-lint-ignore require-await -- what a guest throws is a rejection
    exports: { [NAME]: { handle: async (...args) => handle(args[0], args[1]) } },
    dispose() {},
  };
  return { task, exchange: withTask(task, () => serveP2(isolate, NAME, request(options))) };
}

/** All that the server would send of a body. */
async function drain(body: Body | null): Promise<string> {
  if (body === null) return "";
  let text = "";
  while (true) {
    await waitAny([body.source]);
    if (body.source.state === "closed") return text;
    if (body.source.state === "errored") throw body.source.error;
    text += new TextDecoder().decode(body.source.take(7));
  }
}

function response(headers: [string, string][] = []): OutgoingResponse {
  return new OutgoingResponse(Fields.fromList(headers.map(([name, value]) => [name, latin1Bytes(value)])));
}

/** A response whose body is `text`, ended in good order. */
function answer(out: ResponseOutparam, text: string, set = response()): void {
  const body = set.body();
  ResponseOutparam.set(out, { tag: "ok", val: set });
  const stream = body.write();
  stream.write(utf8(text));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: SkerryError) => error.code);

Deno.test("a guest sees the request as the caller sent it", async () => {
  const { exchange, task } = serve((request, out) => {
    const { tag } = request.method();
    const headers = request.headers();
    answer(
      out,
      JSON.stringify([
        tag,
        request.scheme(),
        request.authority(),
        request.pathWithQuery(),
        headers.get("X-TAG").map(latin1Text),
        headers.entries().length,
      ]),
    );
    expect(() => headers.append("a", utf8("b"))).toThrow("immutable");
  });
  const { body, status } = await exchange.response;
  expect(status).toBe(200);
  expect(JSON.parse(await drain(body))).toEqual([
    "get",
    { tag: "HTTPS" },
    "example.com:8443",
    "/a/../b?c=%20",
    ["1", "2"],
    2,
  ]);
  await exchange.finished;
  task.end();
});

Deno.test("a response whose body ends within the turn comes whole", async () => {
  const { exchange, task } = serve(async (_, out) => {
    const set = response();
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    const stream = body.write();
    await stream.blockingWriteAndFlush(utf8("hello"));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  });
  const { body } = await exchange.response;
  expect(body!.source.remaining).toBe(5);
  task.end();
});

Deno.test("a response is there while the guest still runs", async () => {
  const go = Promise.withResolvers<void>();
  const { exchange, task } = serve(async (_, out) => {
    const set = response();
    const body = set.body();
    const stream = body.write();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    stream.write(utf8("first "));
    await go.promise;
    stream.write(utf8("second"));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, Fields.fromList([["x-sum", utf8("42")]]));
  });
  const { body } = await exchange.response;
  await waitAny([body!.source]);
  expect(new TextDecoder().decode(body!.source.take(100))).toBe("first ");
  go.resolve();
  expect(await drain(body)).toBe("second");
  expect(latin1Text((await body!.trailers)!.get("x-sum")[0]!)).toBe("42");
  await exchange.finished;
  task.end();
});

Deno.test("a guest that reads what it is sent echoes it, and gets the trailers", async () => {
  const { sink, source } = new ByteChannel();
  const trailers = Promise.resolve(HostFields.received([["x-end", utf8("yes")]]));
  const { exchange, task } = serve(async (request, out) => {
    const incoming = request.consume();
    expect(() => request.consume()).toThrow(WitError);
    const input = incoming.stream();
    expect(() => incoming.stream()).toThrow(WitError);
    const set = response();
    const body = set.body();
    const output = body.write();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    try {
      while (true) await output.blockingSplice(input, 100n);
    } catch (error) {
      expect((error as WitError).payload).toEqual({ tag: "closed" });
    }
    expect(() => IncomingBody.finish(incoming)).toThrow("has not been dropped");
    input[Symbol.dispose]();
    const future = IncomingBody.finish(incoming);
    await future.subscribe().block();
    const received = future.get();
    expect(future.get()).toEqual({ tag: "err", val: undefined });
    output[Symbol.dispose]();
    const fields = (received as { val: { val: Fields } }).val.val;
    OutgoingBody.finish(body, fields.clone());
  }, { method: "POST", body: { source, trailers } });
  sink.write(utf8("some bytes "));
  const { body } = await exchange.response;
  sink.write(utf8("and more"));
  sink.close();
  expect(await drain(body)).toBe("some bytes and more");
  expect((await body!.trailers)!.has("x-end")).toBe(true);
  await exchange.finished;
  task.end();
});

Deno.test("trailers come although the guest did not read the body", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(new Uint8Array(100_000));
  sink.close();
  const { exchange, task } = serve(async (request, out) => {
    const future = IncomingBody.finish(request.consume());
    expect(future.get()).toBe(undefined);
    await future.subscribe().block();
    answer(out, JSON.stringify(future.get()));
  }, { body: { source, trailers: Promise.resolve(undefined) } });
  expect(JSON.parse(await drain((await exchange.response).body))).toEqual({ tag: "ok", val: { tag: "ok" } });
  task.end();
});

Deno.test("a request body that breaks off is an error to the guest, with an error-code", async () => {
  const { sink, source } = new ByteChannel();
  const trailers = Promise.reject(new Error("gone"));
  trailers.catch(() => {});
  sink.abort(new Error("gone"));
  const { exchange, task } = serve(async (request, out) => {
    const incoming = request.consume();
    const input = incoming.stream();
    const failed = caught(() => input.read(1n)) as { val: IoError };
    expect(httpErrorCode(failed.val)).toEqual({ tag: "connection-terminated" });
    input[Symbol.dispose]();
    const future = IncomingBody.finish(incoming);
    await future.subscribe().block();
    expect(future.get()).toEqual({
      tag: "ok",
      val: { tag: "err", val: { tag: "connection-terminated" } },
    });
    answer(out, "seen");
  }, { body: { source, trailers } });
  expect(await drain((await exchange.response).body)).toBe("seen");
  task.end();
});

for (
  const [what, expected, handle] of [
    ["returns without a response", "guest-no-response", () => {}],
    ["drops the outparam", "guest-no-response", (_, out) => out[Symbol.dispose]()],
    [
      "sets an error",
      "guest-error",
      (_, out) => ResponseOutparam.set(out, { tag: "err", val: { tag: "internal-error", val: "no luck" } }),
    ],
    ["traps", "guest-trapped", () => {
      throw new WebAssembly.RuntimeError("unreachable");
    }],
    ["exits", "guest-exited", () => {
      throw new GuestExit(3);
    }],
    [
      "announces a body that it does not have",
      "guest-response-invalid",
      (_, out) => ResponseOutparam.set(out, { tag: "ok", val: response([["content-length", "5"]]) }),
    ],
  ] satisfies [string, string, Handle][]
) {
  Deno.test(`a guest that ${what} ends in ${expected}`, async () => {
    const { exchange, task } = serve(handle);
    expect(await code(exchange.response)).toBe(expected);
    await exchange.finished.catch(() => {});
    task.end();
  });
}

Deno.test("a failure tells the operator what the guest said, and where it trapped", async () => {
  const error = serve((_, out) =>
    ResponseOutparam.set(out, { tag: "err", val: { tag: "DNS-error", val: { rcode: "NXDOMAIN" } } })
  );
  await expect(error.exchange.response).rejects.toThrow("DNS-error (rcode NXDOMAIN)");
  error.task.end();
  const trap = new WebAssembly.RuntimeError("unreachable");
  const trapped = serve(() => {
    throw trap;
  });
  await expect(trapped.exchange.response).rejects.toMatchObject({ cause: trap });
  await expect(trapped.exchange.finished).rejects.toMatchObject({ cause: trap });
  trapped.task.end();
});

for (
  const [what, end] of [
    ["returns", () => {}],
    ["drops the body", (body) => body[Symbol.dispose]()],
    ["traps", () => {
      throw new WebAssembly.RuntimeError("unreachable");
    }],
    ["exits", () => {
      throw new GuestExit(0);
    }],
  ] satisfies [string, (body: OutgoingBody) => void][]
) {
  Deno.test(`a body is broken off when the guest ${what} before it has finished it`, async () => {
    const { exchange, task } = serve((_, out) => {
      const set = response();
      const body = set.body();
      ResponseOutparam.set(out, { tag: "ok", val: set });
      body.write().write(utf8("half"));
      end(body);
    });
    const { body } = await exchange.response;
    expect(body!.source.remaining).toBe(undefined);
    expect(await code(drain(body))).toBe("guest-response-incomplete");
    expect(await code(body!.trailers)).toBe("guest-response-incomplete");
    await exchange.finished.catch(() => {});
    task.end();
  });
}

Deno.test("too few bytes for content-length are an error when the body is finished, and break it off", async () => {
  const { exchange, task } = serve((_, out) => {
    const set = response([["content-length", "10"]]);
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    const stream = body.write();
    stream.write(utf8("short"));
    stream[Symbol.dispose]();
    expect(caught(() => OutgoingBody.finish(body, undefined))).toEqual({ tag: "HTTP-response-body-size", val: 5n });
  });
  const { body } = await exchange.response;
  expect(body!.length).toBe(10);
  expect(await code(drain(body))).toBe("guest-response-incomplete");
  await exchange.finished;
  task.end();
});

Deno.test("too many bytes for content-length fail the stream, and break the body off", async () => {
  const { exchange, task } = serve((_, out) => {
    const set = response([["content-length", "3"]]);
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    const stream = body.write();
    const failed = caught(() => stream.write(utf8("much"))) as { tag: string; val: IoError };
    expect(failed.tag).toBe("last-operation-failed");
    expect(httpErrorCode(failed.val)).toEqual({ tag: "HTTP-response-body-size", val: 4n });
    expect(caught(() => stream.write(utf8("more")))).toEqual({ tag: "closed" });
    stream[Symbol.dispose]();
    expect(caught(() => OutgoingBody.finish(body, undefined))).toEqual({ tag: "HTTP-response-body-size", val: 4n });
  });
  expect(await code(drain((await exchange.response).body))).toBe("guest-response-incomplete");
  await exchange.finished;
  task.end();
});

Deno.test("the answer to HEAD, and 304, may announce a length and write nothing", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 304]] as const) {
    const { exchange, task } = serve((_, out) => {
      const set = response([["content-length", "10"]]);
      set.setStatusCode(status);
      const body = set.body();
      ResponseOutparam.set(out, { tag: "ok", val: set });
      OutgoingBody.finish(body, undefined);
    }, { method });
    expect(await drain((await exchange.response).body)).toBe("");
    await exchange.finished;
    task.end();
  }
});

Deno.test("a content-length that is no number is refused with the body", async () => {
  for (const value of ["-1", "1, 2", "1e3", ""]) {
    const { exchange, task } = serve((_, out) => {
      const set = response([["content-length", value]]);
      expect(() => set.body()).toThrow(WitError);
      ResponseOutparam.set(out, { tag: "ok", val: set });
    });
    expect(await code(exchange.response)).toBe("guest-response-invalid");
    task.end();
  }
});

Deno.test("when the caller leaves, the guest's stream closes and it may end in peace", async () => {
  const go = Promise.withResolvers<void>();
  const { exchange, task } = serve(async (_, out) => {
    const set = response([["content-length", "100"]]);
    const body = set.body();
    const stream = body.write();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    stream.write(utf8("some"));
    await go.promise;
    expect(caught(() => stream.write(utf8("more")))).toEqual({ tag: "closed" });
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  });
  (await exchange.response).body!.source.cancel();
  go.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a task that ends takes the response and the body with it", async () => {
  const never = new Promise<void>(() => {});
  const held: Disposable[] = [];
  const waiting = serve((_, out) => {
    held.push(out);
    return never;
  });
  // As an isolate does that ends with its task: what the guest holds is dropped, which is not what failed.
  waiting.task.defer(() => held[0]![Symbol.dispose]());
  waiting.task.end(new SkerryError("deadline-exceeded", "too late"));
  expect(await code(waiting.exchange.response)).toBe("deadline-exceeded");
  expect(await code(waiting.exchange.finished)).toBe("deadline-exceeded");
  const streaming = serve((_, out) => {
    const set = response();
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    body.write().write(utf8("half"));
    return never;
  });
  const { body } = await streaming.exchange.response;
  streaming.task.end(new SkerryError("deadline-exceeded", "too late"));
  expect(await code(drain(body))).toBe("guest-response-incomplete");
});

Deno.test("the rest of a request's body is not wanted when the guest has ended", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task } = serve((_, out) => answer(out, ""), {
    body: { source, trailers: Promise.resolve(undefined) },
  });
  await exchange.response;
  await exchange.finished;
  expect(sink.state).toBe("closed");
  task.end();
});

Deno.test("informational responses are refused as the WIT says", async () => {
  const { exchange, task } = serve((_, out) => {
    expect(caught(() => out.sendInformational(200, new Fields()))).toEqual({ tag: "HTTP-protocol-error" });
    expect(caught(() => out.sendInformational(103, new Fields()))).toMatchObject({ tag: "internal-error" });
    answer(out, "");
  });
  await exchange.response;
  task.end();
});

Deno.test("an error-code reads well in a message", () => {
  expect(new HttpFailure({ tag: "HTTP-request-header-size", val: { fieldName: "a" } }).message).toBe(
    "HTTP-request-header-size (fieldName a)",
  );
  expect(new HttpFailure({ tag: "internal-error", val: undefined }).message).toBe("internal-error");
});

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  throw new Error("expected the error of a result");
}
