import { expect } from "@std/expect";
import { maybeTask, startTask, withTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { type HostStream } from "../../engine/streams.ts";
import { GuestExit, SkerryError, WitError } from "../../errors.ts";
import { latin1Text } from "../../streams/latin1.ts";
import { STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { ByteChannel, type ByteSink, type ByteSource } from "../../streams/bytes.ts";
import { Task } from "../../task.ts";
import { answer, code, drain, hello, NAME, OK, request, serve, text, type Trailers, utf8 } from "./_p3_testing.ts";
import type { Transmission } from "./p3_contents.ts";
import { Fields } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";
import { serveP3 } from "./serve_p3.ts";

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
    const error = await Promise.resolve(exchange.response).catch((error) => error) as SkerryError;
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
  exchange.finished!.then(() => finished = true);
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

Deno.test("what is made of a guest's answer belongs to its task, also where the task has only been started", async () => {
  const task = new Task({ function: "f", requestId: "own" });
  let seen: string | undefined = "nobody asked";
  // As of a component whose `handle` is not async: nothing in it waits.
  const thrown = {
    get message() {
      seen = maybeTask()?.id;
      return "no";
    },
  };
  const handle = () => Promise.reject(Object.setPrototypeOf(thrown, Error.prototype));
  const isolate: Isolate = { exports: { [NAME]: { handle } }, dispose() {} };
  const { response } = startTask(task, () => serveP3(isolate, NAME, request()));
  await expect(Promise.resolve(response)).rejects.toThrow("no");
  expect(seen).toBe("own");
  task.end();
});
