import { expect } from "@std/expect";
import { ByteChannel } from "../streams/bytes.ts";
import { Fields, FieldsError } from "./fields.ts";
import { latin1Bytes, latin1Text } from "../streams/latin1.ts";
import { receiveRequest, sendResponse } from "./web.ts";

const value = latin1Bytes;
const refusal = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (error instanceof FieldsError) return error.refusal;
    throw error;
  }
  return "accepted";
};

Deno.test("fields keep order, case and repeats, and compare names without case", () => {
  const fields = new Fields();
  fields.append("Set-Cookie", value("a=1"));
  fields.append("X-A", value("1"));
  fields.append("set-cookie", value("b=2"));
  expect(fields.get("SET-COOKIE").map(latin1Text)).toEqual(["a=1", "b=2"]);
  expect(fields.entries().map(([name]) => name)).toEqual(["Set-Cookie", "X-A", "set-cookie"]);
  fields.set("x-a", [value("2"), value("3")]);
  expect(fields.get("X-A").map(latin1Text)).toEqual(["2", "3"]);
  expect(fields.delete("set-cookie").length).toBe(2);
  expect(fields.has("Set-Cookie")).toBe(false);
});

Deno.test("fields refuse what is malformed, forbidden, immutable or too large, each by name", () => {
  const fields = new Fields();
  expect(refusal(() => fields.append("bad name", value("x")))).toBe("invalid-syntax");
  expect(refusal(() => fields.append("", value("x")))).toBe("invalid-syntax");
  expect(refusal(() => fields.append("x", value("a\r\nset-cookie: evil")))).toBe("invalid-syntax");
  expect(refusal(() => fields.append("x", value("a\0")))).toBe("invalid-syntax");
  expect(refusal(() => fields.append("x", value("caf\xe9\tok")))).toBe("accepted");
  for (const name of ["Connection", "HOST", "transfer-encoding", "Keep-Alive", "upgrade", "proxy-connection"]) {
    expect(refusal(() => fields.append(name, value("x")))).toBe("forbidden");
    expect(refusal(() => fields.delete(name))).toBe("forbidden");
  }
  expect(refusal(() => fields.append("x", new Uint8Array(1 << 20).fill(97)))).toBe("size-exceeded");
  expect(refusal(() => fields.freeze().append("x", value("y")))).toBe("immutable");
  expect(refusal(() => fields.clone().append("x", value("y")))).toBe("accepted");
});

Deno.test("a refused set() leaves the old values", () => {
  const fields = Fields.from([["x", value("old")]]);
  expect(refusal(() => fields.set("x", [value("new"), value("bad\n")]))).toBe("invalid-syntax");
  expect(fields.get("x").map(latin1Text)).toEqual(["old"]);
});

Deno.test("binary values survive the way to Web headers and back", () => {
  const fields = Fields.from([["x-bin", Uint8Array.of(0xff, 0x80, 0xe9)]]);
  expect(Fields.received(fields.toHeaders()).entries()).toEqual([["x-bin", Uint8Array.of(0xff, 0x80, 0xe9)]]);
});

Deno.test("a received request keeps the path as sent and drops what belongs to the connection", () => {
  const request = receiveRequest(
    new Request("http://example.com:8080/a%2fb//c?x=%zz&y#frag", {
      headers: { "x-a": "1", "connection": "close", "keep-alive": "5" },
    }),
  );
  expect(request.pathWithQuery).toBe("/a%2fb//c?x=%zz&y");
  expect(request.scheme).toBe("http");
  expect(request.authority).toBe("example.com:8080");
  expect(request.fields.entries().map(([name]) => name)).toEqual(["x-a"]);
  expect(request.body).toBe(null);
});

const options = (onEnd: (how: string) => void, method = "GET") => ({
  method,
  signal: () => new AbortController().signal,
  onEnd,
});

Deno.test("a response that is already whole is sent without a stream", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(value("hello"));
  sink.close();
  const ends: string[] = [];
  const response = sendResponse(
    { status: 200, fields: new Fields(), body: { source, trailers: Promise.resolve(undefined) } },
    options((how) => ends.push(how)),
  );
  expect(ends).toEqual(["closed"]);
  expect(await response.text()).toBe("hello");
});

Deno.test("a short text is sent as one, with the guest's content-type and no other", async () => {
  const send = (fields: Fields, ...pieces: readonly Uint8Array<ArrayBuffer>[]) => {
    const { sink, source } = new ByteChannel();
    for (const piece of pieces) sink.append!(piece);
    sink.close();
    return sendResponse(
      { status: 200, fields, body: { source, trailers: Promise.resolve(undefined) } },
      options(() => {}),
    );
  };
  const untyped = send(new Fields(), value("he"), value("llo\n"));
  expect([untyped.headers.get("content-type"), await untyped.text()]).toEqual([null, "hello\n"]);
  const typed = send(
    Fields.from([["X-A", value("1")], ["Content-Type", value("a/b")], ["content-type", value("c/d")]]),
    value("{}"),
  );
  expect([...typed.headers]).toEqual([["content-type", "a/b, c/d"], ["x-a", "1"]]);
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const pieces of [[bytes], [value("a"), bytes], [bytes, value("a")], [value("a".repeat(2000))]]) {
    const sent = send(new Fields(), ...pieces);
    expect(sent.headers.get("content-type")).toBe(null);
    expect([...await sent.bytes()]).toEqual(pieces.flatMap((piece) => [...piece]));
  }
});

Deno.test("fields go out in their order, their names in lower case, also those of a short text", async () => {
  const fields = Fields.from([["X-A", value("1")], ["Content-Type", value("text/plain")], ["X-B", value("2")]]);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    const { sink, source } = new ByteChannel();
    sink.append!(value("hello"));
    sink.close();
    return sendResponse(
      { status: 200, fields, body: { source, trailers: Promise.resolve(undefined) } },
      options(() => {}),
    );
  });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await conn.write(value("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
  const answer = await new Response(conn.readable).text();
  const names = answer.split("\r\n").map((line) => line.replace(/:.*/s, ""));
  expect(names.filter((name) => /^(?:x-.|content-type)$/i.test(name))).toEqual(["x-a", "content-type", "x-b"]);
});

Deno.test("a response without a body by its status or method takes what the guest writes and sends none of it", async () => {
  for (const [status, method] of [[204, "GET"], [304, "GET"], [200, "HEAD"]] as const) {
    const { sink, source } = new ByteChannel(4);
    const ends: string[] = [];
    const response = sendResponse(
      { status, fields: new Fields(), body: { source, trailers: Promise.resolve(undefined) } },
      options((how) => ends.push(how), method),
    );
    for (let i = 0; i < 10; i++) {
      sink.write(value("1234"));
      await new Promise((done) => setTimeout(done));
      expect(sink.room).toBe(4);
    }
    sink.close();
    await new Promise((done) => setTimeout(done));
    expect(await response.text()).toBe("");
    expect(ends).toEqual(["closed"]);
  }
});

Deno.test("the answer to HEAD has the length that is known", () => {
  const lengthOf = (written: string | null, announced?: string) => {
    const { sink, source } = new ByteChannel();
    sink.write(value(written ?? ""));
    sink.close();
    const fields = new Fields();
    if (announced !== undefined) fields.append("content-length", value(announced));
    const body = written === null ? null : { source, trailers: Promise.resolve(undefined) };
    const response = sendResponse({ status: 200, fields, body }, options(() => {}, "HEAD"));
    return response.headers.get("content-length");
  };
  expect(lengthOf("hello")).toBe("5");
  expect(lengthOf("")).toBe(null);
  expect(lengthOf(null)).toBe(null);
  expect(lengthOf("", "7")).toBe("7");
  expect(lengthOf(null, "7")).toBe("7");
});

Deno.test("a server that prints why a body broke off prints nothing of the guest's, and the end is told all", async () => {
  const { sink, source } = new ByteChannel();
  const ends: unknown[] = [];
  const response = sendResponse(
    { status: 200, fields: new Fields(), body: { source, trailers: Promise.resolve(undefined) } },
    { method: "GET", signal: () => new AbortController().signal, onEnd: (...end) => ends.push(end) },
  );
  const reason = new Error("words of a guest");
  sink.abort(reason);
  const shown: Error = await response.text().then(() => undefined, (error) => error);
  expect(Deno.inspect(shown)).toBe("[a response was broken off; the log of its request says why]");
  expect(ends).toEqual([["errored", reason]]);
});

Deno.test("a status that HTTP cannot carry is refused with a code", () => {
  expect(() => sendResponse({ status: 999, fields: new Fields(), body: null }, options(() => {}))).toThrow(
    /status 999/,
  );
});

Deno.test("a caller who has all of the announced body may close before the guest has ended it", async () => {
  const { sink, source } = new ByteChannel();
  const ends: string[] = [];
  const response = sendResponse(
    { status: 200, fields: new Fields(), body: { source, trailers: Promise.resolve(undefined), length: 5 } },
    options((how) => ends.push(how)),
  );
  const reader = response.body!.getReader();
  sink.write(value("hello"));
  await reader.read();
  await reader.cancel();
  expect([sink.state, ...ends]).toEqual(["closed", "closed"]);
});
