import { expect } from "@std/expect";
import { type Guest, onEachEngine, serve } from "../http/_serve.ts";

const bytes = (count: number) => new Uint8Array(count).fill(97);

/** A body whose length nobody says beforehand. */
const chunked = (count: number): RequestInit => ({
  method: "POST",
  body: new ReadableStream({
    start(end) {
      end.enqueue(bytes(count));
      end.close();
    },
  }),
});

/** One request that meets a limit, and the same where the limit is not met. */
interface Meeting {
  readonly limits: Guest["limits"];
  readonly path: string;
  readonly init?: () => RequestInit;
  readonly status: number;
  /** The platform's own answer. */
  readonly code?: string;
  /** The guest's answer, or in the last record of the log. */
  readonly text?: RegExp;
  readonly log?: RegExp;
  /** What the guest answers with the default limits. */
  readonly otherwise: RegExp;
  readonly guest?: "c-http" | "c-p3";
}

const TOO_LARGE: Meeting = {
  limits: { requestBodyBytes: 100 },
  path: "body-size",
  status: 413,
  code: "request-too-large",
  log: /limits\.requestBodyBytes/,
  otherwise: /^101\n/,
};

const MEETINGS: readonly Meeting[] = [
  { ...TOO_LARGE, init: () => ({ method: "POST", body: bytes(101) }) },
  { ...TOO_LARGE, init: () => chunked(101) },
  { ...TOO_LARGE, guest: "c-p3", init: () => chunked(101) },
  {
    limits: { headerCount: 20 },
    path: "hello",
    init: () => ({ headers: Array.from({ length: 21 }, (_, i) => [`x-${i}`, "v"] as [string, string]) }),
    status: 431,
    code: "headers-too-large",
    log: /limits\.headerCount/,
    otherwise: /^hello\n/,
  },
  {
    limits: { headerBytes: 1000 },
    path: "hello",
    init: () => ({ headers: { "x-long": "v".repeat(1000) } }),
    status: 431,
    code: "headers-too-large",
    log: /limits\.headerBytes/,
    otherwise: /^hello\n/,
  },
  {
    limits: { headerCount: 20 },
    path: "many-headers?n=50",
    // The header-error of WASI 0.2 has no word for it.
    status: 500,
    code: "guest-trapped",
    log: /too many or too large fields/,
    otherwise: /kept=50\n/,
  },
  {
    limits: { handles: 100 },
    path: "handles?n=1000",
    status: 500,
    code: "guest-trapped",
    log: /limits\.handles/,
    otherwise: /held 1000\n/,
  },
  {
    limits: { randomBytes: 100 },
    path: "random?n=101",
    status: 500,
    code: "guest-trapped",
    log: /limits\.randomBytes/,
    otherwise: /length=101\n/,
  },
  {
    limits: { memoryMb: 4 },
    path: "memory?pages=200&step=1",
    status: 200,
    text: /^refused after/,
    otherwise: /^grew 200\n/,
  },
];

for (const { limits, path, init, status, code, text, log, otherwise, guest: fixture = "c-http" } of MEETINGS) {
  const [name] = Object.keys(limits!);
  const how = init === undefined ? "" : `, ${init().body instanceof ReadableStream ? "length unsaid" : "length said"}`;
  onEachEngine(`limits.${name} is met by ${fixture}/${path}${how}`, async (engine) => {
    await using server = await serve({ engine, guests: { bounded: { fixture, limits: limits! }, free: { fixture } } });
    const response = await server.fetch(`/bounded/${path}`, init?.());
    const body = await response.text();
    const outcome = await server.outcome(response.headers.get("x-request-id")!);
    expect(`${response.status} ${outcome.message}`).toMatch(new RegExp(`^${status} `));
    if (code !== undefined) expect(JSON.parse(body).error.code).toBe(code);
    if (text !== undefined) expect(body).toMatch(text);
    if (log !== undefined) expect(outcome.message).toMatch(log);
    expect(await (await server.fetch(`/free/${path}`, init?.())).text()).toMatch(otherwise);
    expect(await (await server.fetch("/bounded/hello")).text()).toBe("hello\n");
  });
}

onEachEngine("limits.responseBodyBytes breaks a longer body off, and leaves others alone", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http", limits: { responseBodyBytes: 100_000 } } },
  });
  const headers = { "x-request-id": "long" };
  const length = await server.fetch("/c-http/big?bytes=1000000", { headers })
    .then((response) => response.arrayBuffer()).then((whole) => whole.byteLength, () => "broken off");
  expect(length).toBe("broken off");
  expect((await server.outcome("long")).fields!["code"]).toBe("response-too-large");
  expect((await (await server.fetch("/c-http/big?bytes=100000")).arrayBuffer()).byteLength).toBe(100_000);
});

onEachEngine("limits.memoryMb: what was refused is counted, and logged once", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http", limits: { memoryMb: 4 } } },
  });
  const headers = { "x-request-id": "grows" };
  await (await server.fetch("/c-http/memory?pages=200&step=1", { headers })).text();
  const { fields } = await server.outcome("grows");
  expect((fields!["limits"] as Record<string, number>)["memoryMb"]).toBeGreaterThan(0);
  expect(server.recordsOf("grows").filter(({ message }) => message.includes("limits.memoryMb")).length).toBe(1);
});

onEachEngine("limits.memoryMb: a component that begins with more is refused by name", async (engine) => {
  await expect(
    serve({ engine, guests: { "c-http": { fixture: "c-http", limits: { memoryMb: 1 } } } }).then(async (server) => {
      await using _ = server;
      const response = await server.fetch("/c-http/hello");
      throw new Error(`${response.status}`);
    }),
  ).rejects.toThrow(/memoryMb|memories begin with/);
});

onEachEngine(
  "limits.logBytes: the rest is counted and dropped, and the outcome is told all the same",
  async (engine) => {
    await using server = await serve({
      engine,
      guests: { "c-http": { fixture: "c-http", limits: { logBytes: 100 } } },
    });
    for (const path of ["stdout", "stderr"]) {
      await (await server.fetch(`/c-http/${path}?lines=200`, { headers: { "x-request-id": path } })).text();
      await server.outcome(path);
      await new Promise((done) => setTimeout(done));
      const records = server.recordsOf(path);
      const guests = records.filter(({ source }) => source !== "host");
      expect(guests.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(100);
      expect(records.some(({ message }) => message.includes("limits.logBytes"))).toBe(true);
    }
  },
);

onEachEngine("limits.outgoingRequests and limits.outgoingAtOnce bound what one request may send", async (engine) => {
  let most = 0;
  let now = 0;
  let pair = Promise.withResolvers<void>();
  const origin = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    most = Math.max(most, ++now);
    if (request.url.endsWith("/pair")) {
      // Answered when there are two, and a third has had time to come.
      const { promise, resolve } = pair;
      if (now >= 2) {
        pair = Promise.withResolvers();
        setTimeout(resolve, 20);
      }
      await promise;
    }
    now--;
    return new Response("here");
  });
  const url = `http://127.0.0.1:${origin.addr.port}`;
  const grants = { http: { allow: [url] } };
  {
    await using server = await serve({
      engine,
      guests: {
        total: { fixture: "c-http", grants, limits: { outgoingRequests: 3 } },
        once: { fixture: "c-http", grants, limits: { outgoingAtOnce: 2 } },
      },
    });
    const ask = async (name: string, n: number, path = "x") =>
      await (await server.fetch(`/${name}/outgoing-many?n=${n}&url=${encodeURIComponent(`${url}/${path}`)}`, {
        headers: { "x-request-id": `${name}-${n}` },
      })).text();
    expect(await ask("total", 3)).toMatch(/\b3\b/);
    await ask("total", 5);
    expect(((await server.outcome("total-5")).fields!["limits"] as Record<string, number>)["outgoingRequests"]).toBe(2);
    most = 0;
    expect(await ask("once", 8, "pair")).toMatch(/\b8\b/);
    expect(most).toBe(2);
  }
  await origin.shutdown();
});
