import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import type { HttpRequest } from "../../http/message.ts";
import { MAX_FIELDS_BYTES, MAX_OUTGOING_AT_ONCE, MAX_OUTGOING_OPEN } from "../../limits.ts";
import { Task } from "../../task.ts";
import { type SendOptions, sendRequest } from "./send.ts";

import { answers, failure, get, read, withServer } from "./_send_testing.ts";

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
    // Where no resolver answers, nobody knows whether there is such a name.
    expect(await to("no-such-island.invalid")).toEqual({
      tag: "DNS-error",
      val: { rcode: expect.stringMatching(/^(NXDOMAIN|SERVFAIL)$/) },
    });
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
    withServer(answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), async (origin, task) => {
      const responses = await Promise.all(Array.from({ length: MAX_OUTGOING_OPEN }, () => sendRequest(get(origin))));
      expect(await failure(sendRequest(get(origin)))).toEqual({ tag: "connection-limit-reached" });
      expect(task.met.get("request.openResponses")).toBe(1);
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
  const never = Promise.withResolvers<string[]>();
  const lookUp = () => never.promise;
  const sending = withTask(task, () => sendRequest(request, { connectTimeoutMs: 0, lookUp }));
  expect(await failure(sending)).toEqual({ tag: "DNS-timeout" });
  task.end();
});
