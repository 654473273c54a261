/**
 * Every error that `wasi:http` declares, in both versions: what makes the host say it, with its payload, or why it never does.
 *
 * @module
 */
import { expect } from "@std/expect";
import { answers, type Peer, withServer } from "../runtime/capabilities/http/_send_testing.ts";
import { Client, type ClientOptions } from "../runtime/capabilities/http/client.ts";
import { http } from "../runtime/capabilities/http/mod.ts";
import { handleNext } from "../runtime/capabilities/http/next.ts";
import { outgoingHandler } from "../runtime/capabilities/http/p2_client.ts";
import { clientSend } from "../runtime/capabilities/http/p3_client.ts";
import { Response } from "../runtime/capabilities/http/p3_messages.ts";
import { withTask } from "../runtime/context.ts";
import { SkerryError } from "../runtime/errors.ts";
import { DEFAULT_LIMITS } from "../runtime/limits.ts";
import { ByteChannel } from "../runtime/streams/bytes.ts";
import { Task, type TaskOptions } from "../runtime/task.ts";
import { linkForTest } from "../runtime/testing.ts";
import { errorsOf, expectEach, type Ledger, payloadOf } from "./_wit_ledger.ts";

// deno-lint-ignore no-explicit-any -- functions and resources as a guest has them: the WIT types them
type Face = any;

const wit = (version: string) =>
  new URL(`../node_modules/@bytecodealliance/jco/lib/wit/builtin/${version}/wasi-http/package.wit`, import.meta.url);

/** A request as either version of a guest makes it. */
interface Sent {
  readonly method?: string;
  readonly scheme?: "http" | "https";
  readonly authority?: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** Nanoseconds. */
  readonly connectTimeout?: bigint;
  readonly firstByteTimeout?: bigint;
}

/** How one version of a guest sends a request and reads the answer to its end. Rejects with what the guest is told. */
type Send = (client: Client, sent: Sent) => Promise<unknown>;

const utf8 = (text: string) => new TextEncoder().encode(text);
const { host } = await linkForTest(http, { grant: { allow: [] } });
const p2 = host["wasi:http/types@0.2.12"] as Face;
const p3 = host["wasi:http/types@0.3.0"] as Face;

const fieldsOf = (Fields: Face, { headers = [] }: Sent) =>
  Fields.fromList(headers.map(([name, value]) => [name, utf8(value)]));

function fill(request: Face, { method, scheme = "http", authority }: Sent): void {
  if (method !== undefined) request.setMethod({ tag: method });
  request.setScheme({ tag: scheme.toUpperCase() });
  if (authority !== "") request.setAuthority(authority);
}

async function sendP2(client: Client, sent: Sent): Promise<unknown> {
  const request = new p2.OutgoingRequest(fieldsOf(p2.Fields, sent));
  fill(request, sent);
  const options = new p2.RequestOptions();
  options.setConnectTimeout(sent.connectTimeout);
  options.setFirstByteTimeout(sent.firstByteTimeout);
  const future: Face = outgoingHandler(client)(request, options);
  await future.subscribe().block();
  const { val: result } = future.get();
  if (result.tag === "err") return result;
  const body = result.val.consume();
  const stream: Face = body.stream();
  const broken = await (async () => {
    try {
      while (true) await stream.blockingRead(65_536n);
    } catch (error) {
      const { tag, val } = (error as { payload: Face }).payload;
      return tag === "closed" ? undefined : p2.httpErrorCode(val);
    }
  })();
  stream[Symbol.dispose]();
  if (broken !== undefined) return { tag: "err", val: broken };
  const trailers = p2.IncomingBody.finish(body);
  await trailers.subscribe().block();
  return trailers.get().val;
}

async function sendP3(client: Client, sent: Sent): Promise<unknown> {
  const options = new p3.RequestOptions();
  options.setConnectTimeout(sent.connectTimeout);
  options.setFirstByteTimeout(sent.firstByteTimeout);
  const none = Promise.resolve({ tag: "ok", val: undefined });
  const [request] = p3.Request.new(fieldsOf(p3.Fields, sent), undefined, none, options);
  fill(request, sent);
  const response = await clientSend(client)(request) as Face;
  const [stream, trailers] = Response.consumeBody(response, Promise.resolve({ tag: "ok" })) as Face;
  for await (const _ of stream);
  return await trailers;
}

const TLS = Object.fromEntries(
  ["crt", "key"].map((kind) => [
    kind,
    Deno.readTextFileSync(new URL(`../runtime/capabilities/http/testdata/localhost.${kind}`, import.meta.url)),
  ]),
);

/** Sends to a server that does `serve`. */
async function toServer(
  serve: (peer: Peer) => Promise<void> | void,
  attempt: (authority: string, allowed: Client) => Promise<unknown>,
  secure = false,
): Promise<unknown> {
  let result: unknown;
  const tls = secure ? { cert: TLS["crt"]!, key: TLS["key"]! } : undefined;
  await withServer(serve, async ({ authority }) => {
    const { port } = new URL(`http://${authority}`);
    const allow = [`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`, `https://localhost:${port}`];
    result = await attempt(authority, new Client({ allow }));
  }, tls);
  return result;
}

/** Runs `attempt` in a task of its own. */
async function inTask(options: Partial<TaskOptions>, attempt: () => Promise<unknown>): Promise<unknown> {
  const task = new Task({ function: "test", ...options });
  try {
    return await withTask(task, attempt);
  } finally {
    task.end();
  }
}

const OURS = "the fields that a guest makes are bounded as it makes them: see header-error";
const SECTION = "sections are bounded as a whole";

function ledgerOf(send: Send, version: "0.2" | "0.3"): Ledger {
  const said = (answer: string) => () => toServer(answers(answer), (authority, client) => send(client, { authority }));
  const to = (origin: string, sent: Sent = {}, options: ClientOptions = {}, allow = [origin]) => {
    const { protocol, host } = new URL(origin);
    const scheme = protocol === "https:" ? "https" : "http";
    return inTask({}, () => send(new Client({ allow }, options), { scheme, authority: host, ...sent }));
  };
  const standsFor = (...addresses: string[]) => ({ lookUp: () => Promise.resolve(addresses) });
  const neighbour = (error: unknown) => () =>
    inTask(
      { neighbours: () => Promise.reject(error) },
      () => send(new Client({ allow: ["http://other.internal"] }), { authority: "other.internal" }),
    );
  const behind = (error?: SkerryError) => () =>
    inTask(error === undefined ? {} : { next: () => Promise.reject(error) }, async () => {
      const none = Promise.resolve({ tag: "ok", val: undefined });
      const [request] = p3.Request.new(new p3.Fields(), undefined, none, undefined);
      request.setAuthority("a.example");
      return await handleNext(request);
    });
  const ofMiddleware = (attempt: () => unknown) =>
    version === "0.3" ? attempt : "only middleware hands requests on, and that is of 0.3";
  const silent = async (peer: Peer) => void await peer.until(null);
  return {
    "DNS-timeout": () => {
      const lookUp = () => new Promise<string[]>(() => {});
      return to("http://a.example", { connectTimeout: 1n }, { lookUp });
    },
    "DNS-error": () => to("http://no-such-island.invalid"),
    "destination-not-found": () => to("http://nobody.internal"),
    "destination-unavailable": neighbour(new SkerryError("guest-trapped", "calling other: unreachable")),
    "destination-IP-prohibited": () => to("http://a.example", {}, standsFor("10.0.0.1")),
    "destination-IP-unroutable": Deno.build.os === "linux"
      ? () => to("http://224.0.0.1")
      : "the system says so of networks that it has no way to, and each of its own",
    "connection-refused": () => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      listener.close();
      return to(`http://127.0.0.1:${listener.addr.port}`);
    },
    "connection-terminated": said(""),
    // There, a connection passes for secure before it is, and the time of the next stage runs.
    "connection-timeout": Deno.version.deno.startsWith("2.5.")
      ? "in this Deno it is connection-read-timeout"
      : () =>
        toServer(
          silent,
          (authority, client) => send(client, { authority, scheme: "https", connectTimeout: 20_000_000n }),
        ),
    "connection-read-timeout": () =>
      toServer(silent, (authority, client) => send(client, { authority, firstByteTimeout: 5_000_000n })),
    "connection-write-timeout":
      "a request that a server does not read waits for the first byte of its answer, or the task ends",
    "connection-limit-reached": () =>
      inTask(
        { limits: { ...DEFAULT_LIMITS, outgoingRequests: 0 } },
        () => send(new Client({ allow: ["http://127.0.0.1:9"] }), { authority: "127.0.0.1:9" }),
      ),
    "TLS-protocol-error": () =>
      toServer(async (peer) => {
        await peer.until("\x16\x03");
        await peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.close();
      }, (authority, client) => send(client, { authority, scheme: "https" })),
    "TLS-certificate-error": () =>
      toServer(silent, (authority, client) => {
        const { port } = new URL(`http://${authority}`);
        return send(client, { authority: `localhost:${port}`, scheme: "https" });
      }, true),
    "TLS-alert-received": () =>
      toServer(async (peer) => {
        await peer.until("\x16\x03");
        await peer.write("\x15\x03\x03\x00\x02\x02\x28");
        peer.close();
      }, (authority, client) => send(client, { authority, scheme: "https" })),
    "HTTP-request-denied": () => to("http://a.example", {}, {}, []),
    "HTTP-request-length-required": "what a server says in a response, 411, is a response",
    "HTTP-request-body-size": () => to("http://a.example", { headers: [["content-length", "5"]] }),
    "HTTP-request-method-invalid": () => to("http://127.0.0.1:9", { method: "connect" }),
    "HTTP-request-URI-invalid": () => to("http://a.example", { authority: "" }),
    "HTTP-request-URI-too-long": "what a server says in a response, 414, is a response",
    "HTTP-request-header-section-size": OURS,
    "HTTP-request-header-size": OURS,
    "HTTP-request-trailer-section-size": OURS,
    "HTTP-request-trailer-size": OURS,
    "HTTP-response-incomplete": said("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
    "HTTP-response-header-section-size": said(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(200_000)}\r\n\r\n`),
    "HTTP-response-header-size": SECTION,
    "HTTP-response-body-size": ofMiddleware(behind(new SkerryError("response-too-large", "calling other"))),
    "HTTP-response-trailer-section-size": said(
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ${"a".repeat(200_000)}\r\n\r\n`,
    ),
    "HTTP-response-trailer-size": SECTION,
    "HTTP-response-transfer-coding": said("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
    "HTTP-response-content-coding": "a body is handed on as it is coded: the guest decodes it, or not",
    "HTTP-response-timeout": neighbour(new SkerryError("deadline-exceeded", "calling other: 10 ms")),
    "HTTP-upgrade-failed": said("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "HTTP-protocol-error": said("SSH-2.0-OpenSSH\r\n"),
    "loop-detected": neighbour(new SkerryError("loop-detected", "calling other: in a circle")),
    "configuration-error": ofMiddleware(behind()),
    "internal-error": neighbour(new Error("of the host")),
  };
}

Deno.test("every error-code of wasi:http 0.2 is said with its payload", () =>
  expectEach(wit("0.2.12"), "types.error-code", ledgerOf(sendP2, "0.2")));

Deno.test("every error-code of wasi:http 0.3 is said with its payload", () =>
  expectEach(wit("0.3.0"), "types.error-code", ledgerOf(sendP3, "0.3")));

Deno.test("a length that was announced and not kept is said to the writer of the body, with what was written", async () => {
  const announced = fieldsOf(p2.Fields, { headers: [["content-length", "11"]] });
  const code = { tag: "HTTP-request-body-size", val: 3n };
  await inTask({}, async () => {
    const body = new p2.OutgoingRequest(announced).body();
    const stream = body.write();
    await stream.blockingWriteAndFlush(utf8("msg"));
    stream[Symbol.dispose]();
    expect(await payloadOf(() => p2.OutgoingBody.finish(body, undefined))).toEqual(code);
  });
  await toServer(answers("HTTP/1.1 200 OK\r\n\r\n"), async (authority, client) => {
    const { sink, source } = new ByteChannel();
    const none = Promise.resolve({ tag: "ok", val: undefined });
    const headers = fieldsOf(p3.Fields, { headers: [["content-length", "11"]] });
    const [request, transmission] = p3.Request.new(headers, source, none, undefined);
    fill(request, { method: "post", authority });
    sink.write(utf8("msg"));
    sink.close();
    await clientSend(client)(request).catch(() => {});
    expect(await transmission).toEqual({ tag: "err", val: code });
  });
});

Deno.test("every error of fields and of request options is said", async () => {
  const many = Array.from({ length: 2000 }, (_, i): [string, string] => [`x-${i}`, ""]);
  for (const [version, types] of [["0.2.12", p2], ["0.3.0", p3]] as const) {
    await inTask({}, async () => {
      const fields = new types.Fields();
      const immutable = () => {
        if (version === "0.2.12") return new types.OutgoingRequest(fields).headers().append("x", utf8(""));
        const [request] = types.Request.new(fields, undefined, Promise.resolve({ tag: "ok" }), undefined);
        return request.getHeaders().append("x", utf8(""));
      };
      const ledger: Ledger = {
        "invalid-syntax": () => fields.append("a b", utf8("")),
        "forbidden": () => fields.append("Transfer-Encoding", utf8("chunked")),
        "immutable": immutable,
      };
      const own: Ledger = version === "0.2.12" ? ledger : {
        ...ledger,
        "size-exceeded": () => fieldsOf(types.Fields, { headers: many }),
        "other": "there is no other reason",
      };
      await expectEach(wit(version), "types.header-error", own);
    });
  }
  // 0.2 has no case for it, and the setters of its options have no error at all.
  await inTask({}, () => expect(payloadOf(() => fieldsOf(p2.Fields, { headers: many }))).rejects.toThrow(/too many/));
  expect(errorsOf(await Deno.readTextFile(wit("0.2.12"))).has("types.request-options-error")).toBe(false);
  const options = new p3.RequestOptions();
  p3.Request.new(new p3.Fields(), undefined, Promise.resolve({ tag: "ok" }), options);
  await expectEach(wit("0.3.0"), "types.request-options-error", {
    "not-supported": "all of them are supported",
    "immutable": () => options.setConnectTimeout(1n),
    "other": "there is no other reason",
  });
});
