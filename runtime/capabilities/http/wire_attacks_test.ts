import { expect } from "@std/expect";
import { Fields, FieldsError } from "../../http/fields.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import { answers, failure, get, type Peer, post, read, withServer } from "./_send_testing.ts";
import { HttpFailure } from "./error_code.ts";
import { sendRequest } from "./send.ts";

const fieldsOf = (entries: readonly (readonly [string, string])[]) =>
  Fields.from(entries.map(([name, value]) => [name, latin1Bytes(value)]));

/** What a guest could try, so that a server reads another request than the one that was allowed, or two of them. */
const ATTACKS: readonly (readonly (readonly [string, string])[])[] = [
  [["host", "evil.example"]],
  [["Host", "evil.example"]],
  [["HOST ", "evil.example"]],
  [["host\0", "evil.example"]],
  [["x\r\nhost", "evil.example"]],
  [["x", "a\r\nhost: evil.example"]],
  [["x", "a\nhost: evil.example"]],
  [["x", "a\rhost: evil.example"]],
  [["x", "a\0b"]],
  [["x", "a\r\n\r\nGET /evil HTTP/1.1\r\nhost: evil.example\r\n\r\n"]],
  [["x:y", "z"]],
  [["", "z"]],
  [[" x", "folded"]],
  [["x", "\x0b"]],
  [["x", "\x7f"]],
  [["x\u0130", "dotted"]],
  [["transfer-encoding", "chunked"]],
  [["Transfer-Encoding", "identity, chunked"]],
  [["transfer-encoding\t", "chunked"]],
  [["transfer\u2010encoding", "chunked"]],
  [["connection", "x-request-id, host"]],
  [["proxy-connection", "keep-alive"]],
  [["keep-alive", "timeout=9"]],
  [["upgrade", "h2c"], ["http2-settings", "AAMAAABkAAQ"]],
  [["content-length", "3"], ["content-length", "30"]],
  [["content-length", "30"]],
  [["content-length", "3, 3"]],
  [["content-length", "+3"]],
  [["content-length", "0x3"]],
  [["content-length", "3 "]],
  [["content-length", " 3"]],
  [["content-length", "-3"]],
  [["content-length", "\u00b3"]],
  [["content-length", "99999999999999999999"]],
  [["content-length", "3"], ["Content-Length", "3"]],
  [["te", "trailers"], ["trailer", "content-length"]],
  [["expect", "100-continue"]],
];

Deno.test("whatever fields a guest sends, a server reads one request, with one host and one end", async () => {
  const received: string[] = [];
  let refused = 0;
  await withServer(async (peer: Peer) => {
    await answers("HTTP/1.1 204 No Content\r\n\r\n")(peer);
    received.push(peer.received);
  }, async ({ scheme, authority }) => {
    for (const entries of ATTACKS) {
      for (const method of ["GET", "POST"]) {
        try {
          const fields = fieldsOf(entries);
          await (await sendRequest(get({ scheme, authority }, { method, fields }))).body?.source.cancel();
        } catch (error) {
          if (!(error instanceof FieldsError || error instanceof HttpFailure)) throw error;
          refused++;
        }
      }
    }
    for (const request of received) {
      const [head, ...rest] = request.split("\r\n\r\n");
      expect([request, rest]).toEqual([request, [""]]);
      const lines = head!.split("\r\n");
      expect(lines[0]).toMatch(/^(GET|POST) \/ HTTP\/1\.1$/);
      expect(lines.slice(1).every((line) => /^[\w-]+: [\x20-\x7e\x80-\xff]*$/.test(line))).toBe(true);
      expect(lines.filter((line) => /^host/i.test(line))).toEqual([`host: ${authority}`]);
      expect(lines.filter((line) => /^connection/i.test(line))).toEqual(["connection: close"]);
      const ends = lines.filter((line) => /^(content-length|transfer-encoding)/i.test(line));
      // Without a body there is nothing that a length could count.
      expect(ends).toEqual(lines[0]!.startsWith("POST") ? ["content-length: 0"] : []);
    }
  });
  expect([received.length > 10, refused > 40, received.length + refused]).toEqual([true, true, 2 * ATTACKS.length]);
});

Deno.test("trailers say nothing of how a message is framed, whatever a guest puts into them", async () => {
  const received: string[] = [];
  const began = Promise.withResolvers<void>();
  await withServer(async (peer: Peer) => {
    await peer.until("abc");
    began.resolve();
    await peer.until("x-end: 1\r\n\r\n");
    received.push(peer.received);
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    peer.close();
  }, async (origin) => {
    for (const name of ["host", "transfer-encoding", "connection"]) {
      expect(() => fieldsOf([[name, "x"]])).toThrow(FieldsError);
    }
    const [request, writer] = post(origin);
    const sending = sendRequest(request);
    writer.append(latin1Bytes("abc"));
    // It goes out before its length is known, so in chunks.
    await began.promise;
    writer.append(latin1Bytes("def"));
    writer.finish(fieldsOf([["content-length", "5"], ["Content-Length", "50"], ["x-sum", "1"], ["x-end", "1"]]));
    expect(await read((await sending).body)).toBe("");
  });
  const [whole] = received;
  expect(whole).toMatch(/\r\n0\r\nx-sum: 1\r\nx-end: 1\r\n\r\n$/);
});

Deno.test("a path that a guest makes up stays in its line, and its place", async () => {
  const received: string[] = [];
  await withServer(async (peer: Peer) => {
    await answers("HTTP/1.1 204 No Content\r\n\r\n")(peer);
    received.push(peer.received);
  }, async (origin) => {
    const refused: string[] = [];
    for (
      const pathWithQuery of [
        "/a b",
        "/a\tb",
        "/a\r\nb: c",
        "/a\nb",
        "/a\0",
        "/a#b",
        "//evil.example/x",
        "http://evil.example/x",
        "@evil.example/",
        "/a HTTP/1.1\r\n\r\nGET /evil",
        "/%0d%0ax",
        "/\u0085\u2028\u2029",
        "/é",
        "/\ud800",
        "*",
      ]
    ) {
      const code = await failure(sendRequest(get(origin, { pathWithQuery })));
      if (code !== "no failure") refused.push(pathWithQuery);
    }
    expect(refused).toEqual([
      "/a b",
      "/a\tb",
      "/a\r\nb: c",
      "/a\nb",
      "/a\0",
      "/a#b",
      "http://evil.example/x",
      "@evil.example/",
      "/a HTTP/1.1\r\n\r\nGET /evil",
    ]);
    for (const request of received) expect(request.split("\r\n\r\n")).toEqual([expect.any(String), ""]);
    for (const request of received) expect(request).toMatch(/^GET \S+ HTTP\/1\.1\r\n/);
  });
});
