import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Fields, latin1Bytes, latin1Text } from "../../http/fields.ts";
import type { Body, HttpRequest, HttpResponse } from "../../http/message.ts";
import { MAX_FIELDS_BYTES, MAX_OUTGOING_AT_ONCE, MAX_OUTGOING_OPEN, STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { waitAny } from "../../streams/waitable.ts";
import { Task } from "../../task.ts";
import { BodyWriter } from "./body_writer.ts";
import { HttpFailure } from "./error_code.ts";
import { type SendOptions, sendRequest } from "./send.ts";

/** One connection of a server that says just what a test wants. */
class Peer {
  readonly #conn: Deno.Conn;
  received = "";
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }
  async write(text: string): Promise<void> {
    const bytes = latin1Bytes(text);
    try {
      for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    } catch {
      // The client has gone; the test says whether it may.
    }
  }
  /** Reads until `end` has come; `null` is the end of the connection. */
  async until(end: string | null): Promise<string> {
    const buffer = new Uint8Array(65_536);
    while (end === null || !this.received.includes(end)) {
      const read = await this.#conn.read(buffer).catch(() => null);
      if (read === null) break;
      this.received += latin1Text(buffer.subarray(0, read));
    }
    return this.received;
  }
  close() {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
  }
}

/** Runs `body` in a task, with a server that meets each connection with `serve`. */
async function withServer(
  serve: (peer: Peer, at: number) => Promise<void> | void,
  body: (origin: { scheme: string; authority: string }, task: Task) => Promise<void>,
  tls?: { cert: string; key: string },
): Promise<void> {
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener: Deno.Listener = tls === undefined ? Deno.listen(address) : Deno.listenTls({ ...address, ...tls });
  const peers: Peer[] = [];
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    while (true) {
      const conn = await listener.accept().catch((error) => error instanceof Deno.errors.BadResource ? null : "again");
      if (conn === null) return;
      if (typeof conn === "string") continue;
      const peer = new Peer(conn as Deno.Conn);
      peers.push(peer);
      served.push(Promise.resolve(serve(peer, peers.length - 1)));
    }
  })();
  const task = new Task({ function: "test", requestId: "request-7" });
  const { port } = listener.addr as Deno.NetAddr;
  try {
    const origin = { scheme: tls === undefined ? "http" : "https", authority: `127.0.0.1:${port}` };
    await withTask(task, () => body(origin, task));
  } finally {
    task.end();
    // No connection is left open, whatever became of a request.
    for (const peer of peers) await peer.until(null);
    for (const peer of peers) peer.close();
    listener.close();
    await accepting;
    await Promise.allSettled(served);
  }
}

const get = (origin: { scheme: string; authority: string }, options: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  pathWithQuery: "/",
  fields: new Fields(),
  body: null,
  ...origin,
  ...options,
});

async function read(body: Body | null): Promise<string> {
  if (body === null) return "";
  let text = "";
  while (true) {
    await waitAny([body.source]);
    if (body.source.state === "closed") return text;
    if (body.source.state === "errored") throw body.source.error;
    text += latin1Text(body.source.take(1000));
  }
}

/** The error-code that sending, or reading the body, ends in. */
async function failure(response: Promise<HttpResponse>): Promise<unknown> {
  try {
    await read((await response).body);
  } catch (error) {
    if (error instanceof HttpFailure) return error.payload;
    throw error;
  }
  return "no failure";
}

/** A server that answers each request head with `text`, and closes. */
const answers = (text: string) => async (peer: Peer) => {
  await peer.until("\r\n\r\n");
  await peer.write(text);
  peer.close();
};

Deno.test("a request is sent as it was made, with the task's ids", async () => {
  let seen = "";
  await withServer(async (peer) => {
    seen = await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, async (origin) => {
    const fields = Fields.from([["X-Tag", latin1Bytes("1")], ["x-tag", latin1Bytes("\xff")]]);
    const response = await sendRequest(get(origin, { method: "PURGE", pathWithQuery: "/a/../b?c=%20&d=|", fields }));
    expect([response.status, response.body]).toEqual([204, null]);
    expect(seen).toContain(`host: ${origin.authority}\r\n`);
  });
  expect(seen).toContain("PURGE /a/../b?c=%20&d=| HTTP/1.1\r\n");
  expect(seen).toContain("X-Tag: 1\r\nx-tag: \xff\r\n");
  expect(seen).toContain("x-request-id: request-7\r\n");
  expect(seen).toMatch(/traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
  expect(seen).not.toContain("content-length");
});

Deno.test("a guest's own traceparent and x-request-id are left as they are", async () => {
  let seen = "";
  await withServer(async (peer) => {
    seen = await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, async (origin) => {
    const fields = Fields.from([["Traceparent", latin1Bytes("mine")], ["X-Request-Id", latin1Bytes("also mine")]]);
    await sendRequest(get(origin, { fields }));
  });
  expect(seen.match(/traceparent: .*/gi)).toEqual(["Traceparent: mine"]);
  expect(seen.match(/x-request-id: .*/gi)).toEqual(["X-Request-Id: also mine"]);
});

Deno.test(
  "a response comes as it was sent: repeated and binary fields, no decompression, trailers",
  () =>
    withServer(
      answers(
        "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 418 \r\nSet-Cookie: a=1\r\nset-cookie:b=2 \r\nx-bin: \xff\xfe\r\n" +
          "content-encoding: gzip\r\nconnection: close\r\ntransfer-encoding: Chunked\r\n\r\n" +
          "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n",
      ),
      async (origin) => {
        const { status, fields, body } = await sendRequest(get(origin));
        expect(status).toBe(418);
        expect(fields.entries().map(([name, value]) => [name, latin1Text(value)])).toEqual([
          ["Set-Cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["x-bin", "\xff\xfe"],
          ["content-encoding", "gzip"],
        ]);
        expect(await read(body)).toBe("abcde");
        expect((await body!.trailers)!.get("x-sum").map(latin1Text)).toEqual(["1", "2"]);
      },
    ),
);

Deno.test("a body ends by its length, by its chunks, or with the connection", async () => {
  const bodies = [
    "content-length: 5\r\n\r\nhello",
    "content-length: 5, 5\r\n\r\nhello",
    "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "\r\nhello",
  ];
  for (const rest of bodies) {
    await withServer(answers(`HTTP/1.1 200 OK\r\n${rest}`), async (origin) => {
      const { body, fields } = await sendRequest(get(origin));
      expect([rest, await read(body)]).toEqual([rest, "hello"]);
      // What does not say how the body ends is not to be believed by a guest either.
      expect(fields.has("content-length")).toBe(rest.startsWith("content-length"));
      expect(await body!.trailers).toBe(undefined);
    });
  }
});

Deno.test("HEAD, 204 and 304 have no body, whatever their length says", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
    await withServer(answers(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\n`), async (origin) => {
      expect((await sendRequest(get(origin, { method }))).body).toBe(null);
    });
  }
});

for (
  const [what, answer, expected] of [
    ["no HTTP", "SSH-2.0-OpenSSH\r\n", { tag: "HTTP-protocol-error" }],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["nothing", "", { tag: "connection-terminated" }],
    ["half a head", "HTTP/1.1 200 OK\r\nx: ", { tag: "connection-terminated" }],
    ["a field without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["a folded field", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nx : a\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["a carriage return in a value", "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", {
      tag: "HTTP-protocol-error",
    }],
    ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", { tag: "HTTP-protocol-error" }],
    ["an unknown transfer coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", {
      tag: "HTTP-response-transfer-coding",
      val: "gzip, chunked",
    }],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", { tag: "HTTP-upgrade-failed" }],
    ["too large a head", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(2 * MAX_FIELDS_BYTES)}\r\n\r\n`, {
      tag: "HTTP-response-header-section-size",
      val: MAX_FIELDS_BYTES + 1,
    }],
    ["less than its length", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", { tag: "HTTP-response-incomplete" }],
    ["half a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal", {
      tag: "HTTP-response-incomplete",
    }],
    ["no last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", {
      tag: "HTTP-response-incomplete",
    }],
    ["a chunk of no size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", {
      tag: "HTTP-protocol-error",
    }],
    ["a chunk longer than its size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", {
      tag: "HTTP-protocol-error",
    }],
  ] as const
) {
  Deno.test(
    `a server that sends ${what} is told to the guest as ${expected.tag}`,
    () =>
      withServer(answers(answer), async (origin) => {
        expect(await failure(sendRequest(get(origin)))).toEqual(expected);
      }),
  );
}

Deno.test("a server that nobody runs, a name that nobody has, a place that is none", async () => {
  const task = new Task({ function: "test" });
  await withTask(task, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const to = (authority: string, scheme = "http") => failure(sendRequest(get({ scheme, authority })));
    expect(await to(`127.0.0.1:${port}`)).toEqual({ tag: "connection-refused" });
    expect(await to("no-such-island.invalid")).toEqual({ tag: "DNS-error", val: { rcode: "NXDOMAIN" } });
    expect(await to("x", "ftp")).toEqual({ tag: "HTTP-protocol-error" });
    for (const authority of ["", "a b", "u@h", "h:99999", "h:0", "h/x", "[::1"]) {
      expect([authority, await to(authority)]).toEqual([authority, { tag: "HTTP-request-URI-invalid" }]);
    }
    const wrong = (options: Partial<HttpRequest>) =>
      failure(sendRequest(get({ scheme: "http", authority: "127.0.0.1:9" }, options)));
    expect(await wrong({ pathWithQuery: "/ HTTP/1.1\r\nx: y" })).toEqual({ tag: "HTTP-request-URI-invalid" });
    expect(await wrong({ method: "CONNECT" })).toEqual({ tag: "HTTP-request-method-invalid" });
    expect(await wrong({ method: "A B" })).toEqual({ tag: "HTTP-request-method-invalid" });
  });
  task.end();
});

Deno.test("each timeout has its error-code", () =>
  withServer(async (peer) => {
    const head = await peer.until("\r\n\r\n");
    if (head.startsWith("GET /half")) await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  }, async (origin) => {
    const timed = (pathWithQuery: string, options: SendOptions) =>
      failure(sendRequest(get(origin, { pathWithQuery }), options));
    expect(await timed("/", { firstByteTimeoutMs: 5 })).toEqual({ tag: "connection-read-timeout" });
    expect(await timed("/half", { firstByteTimeoutMs: 60_000, betweenBytesTimeoutMs: 5 })).toEqual({
      tag: "connection-read-timeout",
    });
    // There, a connection passes for secure before it is, and the time of the next stage runs.
    if (Deno.version.deno.startsWith("2.5.")) return;
    const silent = { ...origin, scheme: "https" };
    expect(await failure(sendRequest(get(silent), { connectTimeoutMs: 20 }))).toEqual({ tag: "connection-timeout" });
  }));

Deno.test(
  "a request that was called off before it began connects to nobody",
  () =>
    withServer(() => expect("a connection").toBe("none"), async (origin) => {
      expect(await failure(sendRequest(get(origin), { signal: AbortSignal.abort() }))).toEqual({
        tag: "connection-terminated",
      });
    }),
);

for (const stage of ["head", "body"]) {
  for (const by of ["signal", "task"]) {
    Deno.test(
      `a request that waits for its ${stage} is called off by its ${by}, and the server sees it go`,
      async () => {
        const reached = Promise.withResolvers<void>();
        const gone = Promise.withResolvers<void>();
        await withServer(async (peer) => {
          await peer.until("\r\n\r\n");
          if (stage === "body") await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
          reached.resolve();
          await peer.until(null);
          gone.resolve();
        }, async (origin, task) => {
          const abort = new AbortController();
          const failing = failure(sendRequest(get(origin), { signal: abort.signal }));
          await reached.promise;
          if (by === "task") task.end();
          else abort.abort();
          expect(await failing).toEqual({ tag: "connection-terminated" });
          await gone.promise;
          expect(task.ended).toBe(by === "task");
        });
      },
    );
  }
}

Deno.test("a response whose body nobody wants is closed", async () => {
  const gone = Promise.withResolvers<void>();
  await withServer(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    await peer.until(null);
    gone.resolve();
  }, async (origin) => {
    const { body } = await sendRequest(get(origin));
    body!.source.cancel();
    await gone.promise;
    expect(body!.source.state).toBe("closed");
  });
});

/** A request whose body is written by `writer`. */
function post(origin: { scheme: string; authority: string }, length?: number): [HttpRequest, BodyWriter] {
  const writer = new BodyWriter({ kind: "request", length });
  const fields = length === undefined ? new Fields() : Fields.from([["content-length", latin1Bytes(`${length}`)]]);
  return [get(origin, { method: "POST", fields, body: writer.body }), writer];
}

Deno.test(
  "a body that is written at once goes with its length, a longer one in chunks with its trailers",
  async () => {
    const seen: string[] = [];
    await withServer(async (peer, at) => {
      seen[at] = await peer.until(at === 2 ? "x-end: 1\r\n\r\n" : "\r\n\r\nhello");
      await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    }, async (origin) => {
      for (const length of [undefined, 5]) {
        const [request, writer] = post(origin, length);
        const sending = sendRequest(request);
        writer.sink.write(latin1Bytes("hello"));
        writer.finish();
        await sending;
      }
      const [request, writer] = post(origin);
      const sending = sendRequest(request);
      await new Promise((resolve) => setTimeout(resolve, 20));
      writer.sink.write(latin1Bytes("hello"));
      writer.finish(Fields.from([["x-end", latin1Bytes("1")]]));
      await sending;
    });
    for (const at of [0, 1]) {
      expect(seen[at]!.match(/content-length: 5\r\n/g)).toHaveLength(1);
      expect(seen[at]).not.toContain("transfer-encoding");
    }
    expect(seen[2]).toContain("transfer-encoding: chunked\r\n");
    expect(seen[2]!.endsWith("\r\n\r\n5\r\nhello\r\n0\r\nx-end: 1\r\n\r\n")).toBe(true);
  },
);

Deno.test("no body is none for GET, and a length of 0 for POST", async () => {
  const seen: string[] = [];
  await withServer(async (peer, at) => {
    seen[at] = await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, async (origin) => {
    await sendRequest(get(origin, { method: "POST" }));
    const writer = new BodyWriter({ kind: "request", length: undefined });
    writer.finish();
    await sendRequest(get(origin, { body: writer.body }));
  });
  expect(seen[0]).toContain("content-length: 0\r\n");
  expect(seen[1]).not.toMatch(/content-length|transfer-encoding/);
});

Deno.test("a body that its writer breaks off does not look whole to the server", async () => {
  let seen = "";
  const gone = Promise.withResolvers<void>();
  await withServer(async (peer) => {
    seen = await peer.until(null);
    gone.resolve();
  }, async (origin) => {
    const [request, writer] = post(origin);
    const failing = failure(sendRequest(request));
    await new Promise((resolve) => setTimeout(resolve, 20));
    writer.sink.write(latin1Bytes("half"));
    await waitAny([{
      ...writer.sink,
      get ready() {
        return writer.sink.flushed;
      },
      subscribe: (wake) => writer.sink.subscribe(wake),
    }]);
    writer.breakOff(new HttpFailure({ tag: "internal-error", val: "dropped" }));
    expect(await failing).toEqual({ tag: "internal-error", val: "dropped" });
    await gone.promise;
  });
  expect(seen).toContain("half");
  expect(seen).not.toContain("\r\n0\r\n");
});

Deno.test("a server that answers before it has read the body is heard", () =>
  withServer(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
    peer.close();
  }, async (origin) => {
    const [request, writer] = post(origin);
    const response = await sendRequest(request);
    expect(response.status).toBe(413);
    // The server takes no more, so the writer is told before long.
    while (writer.sink.state === "open") {
      writer.sink.write(new Uint8Array(STREAM_HIGH_WATER_BYTES));
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(await read(response.body)).toBe("big");
  }));

Deno.test("a slow server slows the writer, and a slow reader the server", {
  // There, closing a connection does not call its pending write back, and both ends are in this process.
  ignore: Deno.version.deno.startsWith("2.5."),
}, async () => {
  const megabytes = 64;
  let sent = 0;
  await withServer(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 200 OK\r\n\r\n");
    for (; sent < megabytes; sent++) await peer.write("x".repeat(1 << 20));
  }, async (origin) => {
    const [request, writer] = post(origin);
    const { body } = await sendRequest(request);
    let written = 0;
    // Neither side reads now: both come to a halt long before all is through.
    for (let idle = 0; idle < 50;) {
      const { room } = writer.sink;
      if (room === 0) idle++;
      else writer.sink.write(new Uint8Array(room));
      written += room;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(written).toBeLessThan(megabytes << 20);
    expect(sent).toBeLessThan(megabytes);
    body!.source.cancel();
    expect(writer.sink.state).toBe("closed");
  });
});

Deno.test(
  "so many requests of a task wait for their response at once, and the others for their turn",
  async () => {
    const go = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const extra = 3;
    let waiting = 0;
    await withServer(async (peer) => {
      await peer.until("\r\n\r\n");
      if (++waiting === MAX_OUTGOING_AT_ONCE) go.resolve();
      await released.promise;
      await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }, async (origin) => {
      const sending = Array.from({ length: MAX_OUTGOING_AT_ONCE + extra }, () => sendRequest(get(origin)));
      await go.promise;
      // A neighbour's requests have places of their own.
      const neighbour = new Task({ function: "neighbour" });
      const others = withTask(neighbour, () => sendRequest(get(origin)));
      while (waiting < MAX_OUTGOING_AT_ONCE + 1) await new Promise((resolve) => setTimeout(resolve));
      expect(waiting).toBe(MAX_OUTGOING_AT_ONCE + 1);
      released.resolve();
      // All heads come, though no body has been read.
      const responses = await Promise.all(sending);
      for (const { body } of [...responses, await others]) expect(await read(body)).toBe("ok");
      neighbour.end();
    });
    expect(waiting).toBe(MAX_OUTGOING_AT_ONCE + extra + 1);
  },
);

Deno.test(
  "a request that failed has left its place to the next",
  () =>
    withServer(answers("HTTP/1.1 204 No Content\r\n\r\n"), async (origin, task) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const nobody = { scheme: "http", authority: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}` };
      listener.close();
      const failing = Array.from({ length: 2 * MAX_OUTGOING_AT_ONCE }, () => failure(sendRequest(get(nobody))));
      for (const code of await Promise.all(failing)) expect(code).toEqual({ tag: "connection-refused" });
      expect((await sendRequest(get(origin))).status).toBe(204);
      expect(task.ended).toBe(false);
    }),
);

Deno.test(
  "a task that leaves too many responses unread is refused another, until it reads one",
  () =>
    withServer(answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), async (origin) => {
      const responses = await Promise.all(Array.from({ length: MAX_OUTGOING_OPEN }, () => sendRequest(get(origin))));
      expect(await failure(sendRequest(get(origin)))).toEqual({ tag: "connection-limit-reached" });
      expect(await read(responses[0]!.body)).toBe("ok");
      await new Promise((resolve) => setTimeout(resolve));
      expect(await read((await sendRequest(get(origin))).body)).toBe("ok");
    }),
);

Deno.test("a certificate that nobody vouches for is refused, and one that is trusted is not", async () => {
  const read = (name: string) => Deno.readTextFileSync(new URL(`./testdata/${name}`, import.meta.url));
  const [cert, key] = [read("localhost.crt"), read("localhost.key")];
  await withServer(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, async (origin) => {
    const localhost = { ...origin, authority: origin.authority.replace("127.0.0.1", "localhost") };
    expect(await failure(sendRequest(get(localhost)))).toEqual({ tag: "TLS-certificate-error" });
    expect((await sendRequest(get(localhost), { caCerts: [cert] })).status).toBe(204);
  }, { cert, key });
});

Deno.test(
  "a server that does not speak TLS, and one that breaks it off, have their error-codes",
  async () => {
    for (
      const [bytes, expected] of [
        ["HTTP/1.1 400 Bad Request\r\n\r\n", { tag: "TLS-protocol-error" }],
        ["\x15\x03\x03\x00\x02\x02\x28", { tag: "TLS-alert-received", val: { alertMessage: "HandshakeFailure" } }],
        ["", { tag: "connection-terminated" }],
      ] as const
    ) {
      await withServer(async (peer) => {
        await peer.until("\x16\x03");
        await peer.write(bytes);
        peer.close();
      }, async (origin) => {
        expect(await failure(sendRequest(get({ ...origin, scheme: "https" })))).toEqual(expected);
      });
    }
  },
);

Deno.test("a look-up that takes too long has its error-code", async () => {
  const task = new Task({ function: "test" });
  const request = get({ scheme: "http", authority: "x.invalid" });
  const sending = withTask(task, () => sendRequest(request, { connectTimeoutMs: 0 }));
  expect(await failure(sending)).toEqual({ tag: "DNS-timeout" });
  task.end();
});
