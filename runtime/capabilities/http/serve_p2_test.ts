import { expect } from "@std/expect";
import { WitError } from "../../errors.ts";
import { Fields as HostFields } from "../../http/fields.ts";
import { latin1Text } from "../../streams/latin1.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import type { IoError } from "../../streams/p2/mod.ts";
import { waitAny } from "../../streams/waitable.ts";
import { Fields } from "./p2_fields.ts";
import { IncomingBody } from "./p2_incoming.ts";
import { OutgoingBody } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";

import { answer, caught, drain, httpErrorCode, response, serve, utf8 } from "./_serve_p2_testing.ts";

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
  const trailers = Promise.resolve(HostFields.received([["x-end", "yes"]]));
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
