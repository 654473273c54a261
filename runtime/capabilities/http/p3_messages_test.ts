import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { type HostStream } from "../../engine/streams.ts";
import { Fields as HostFields } from "../../http/fields.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import { waitAny } from "../../streams/waitable.ts";
import { Task } from "../../task.ts";
import { answer, code, drain, OK, readAll, serve, text, type Trailers, utf8 } from "./_p3_testing.ts";
import { HttpFailure } from "./error_code.ts";
import { Fields } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";

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
    const fields = HostFields.received([["x-from", "upstream"]]);
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
