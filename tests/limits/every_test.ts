// Every limit that a manifest may set: it is met, it is counted, and its caller hears what `limits.md` says.
import { expect } from "@std/expect";
import { FUNCTION_LIMITS, type LimitName } from "../../runtime/limits.ts";
import type { LogRecord } from "../../runtime/log.ts";
import { type Guest, onEachEngine, serve, type TestServer } from "../http/_serve.ts";

/** How a limit is met. */
interface Meeting {
  readonly guest: Guest;
  /** What is asked for. */
  readonly path: string;
  readonly init?: () => RequestInit;
  /** What is asked for at first, and waits. */
  readonly before?: readonly string[];
  /** What the caller gets, in the platform's own words: by `limits.md`, where that names a code. */
  readonly answer?: readonly [status: number, code: string];
  /** What the guest answers that goes on. */
  readonly text?: RegExp;
  /** What the log says became of it, where that is later than the headers. */
  readonly outcome?: string;
  /** What it takes part in where neither the caller nor the guest is told, with the records of its task. */
  readonly check?: (records: readonly LogRecord[]) => void;
}

/** Answers requests, and knows how many there have been at once. */
class Upstream implements AsyncDisposable {
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    this.most = Math.max(this.most, ++this.#now);
    // Those that are on their way come in meanwhile.
    await new Promise((done) => setTimeout(done, 20));
    this.#now--;
    return new Response("here");
  });
  #now = 0;
  most = 0;

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

const TABLE = new URL("../hostile/guests/table.wasm", import.meta.url);
const bytes = (count: number) => new Uint8Array(count).fill(97);
const trapped = [500, "guest-trapped"] as const;

/** One of the fixtures with a limit, and others where those are to be out of the way. */
const c = (limits: NonNullable<Guest["limits"]>): Guest => ({
  fixture: "c-http",
  limits,
  grants: { http: { allow: ["http://other.internal"] } },
});
const p3 = (limits: NonNullable<Guest["limits"]>): Guest => ({ fixture: "c-p3", limits });
const files = (limits: NonNullable<Guest["limits"]>): Guest => ({
  fixture: "c-files",
  limits,
  grants: { files: { scratch: "/tmp" } },
});
const other = (path: string) => encodeURIComponent(`http://other.internal/${path}`);
const step = (...steps: string[]) => `?${steps.map(encodeURIComponent).join(";")}`;

/** A body that begins and does not go on. */
const unfinished = (): RequestInit => ({
  method: "POST",
  body: new ReadableStream({ start: (controller) => controller.enqueue(bytes(1)) }),
});

const LONG = 600_000;

const meetings = (upstream: Upstream): { readonly [Name in LimitName]: Meeting } => ({
  wallMs: { guest: c({ wallMs: 100 }), path: "never", answer: [504, "deadline-exceeded"] },
  cpuMs: { guest: c({ cpuMs: 50 }), path: "spin?n=1000000000000000", answer: [504, "cpu-limit"] },
  memoryMb: { guest: c({ memoryMb: 4 }), path: "memory?pages=200&step=1", text: /^refused after/ },
  tableElements: { guest: { fixture: TABLE, limits: { tableElements: 100_000 } }, path: "", text: /no-response/ },
  isolates: {
    guest: c({ isolates: 1, queueWaitMs: 1, wallMs: LONG }),
    before: ["never"],
    path: "hello",
    text: /function-busy/,
  },
  queue: {
    guest: c({ isolates: 1, queue: 1, queueWaitMs: LONG, wallMs: LONG }),
    before: ["never", "hello"],
    path: "hello",
    answer: [429, "function-busy"],
  },
  queueWaitMs: {
    guest: c({ isolates: 1, queueWaitMs: 1, wallMs: LONG }),
    before: ["never"],
    path: "hello",
    answer: [429, "function-busy"],
  },
  requestBodyBytes: {
    guest: c({ requestBodyBytes: 100 }),
    path: "body-size",
    init: () => ({ method: "POST", body: bytes(101) }),
    answer: [413, "request-too-large"],
  },
  requestBodyWaitMs: {
    guest: c({ requestBodyWaitMs: 1, wallMs: LONG }),
    path: "body-size",
    init: unfinished,
    answer: [408, "request-timeout"],
  },
  responseBodyBytes: { guest: c({ responseBodyBytes: 1000 }), path: "big?bytes=100000", outcome: "response-too-large" },
  headerCount: {
    guest: c({ headerCount: 20 }),
    path: "hello",
    init: () => ({ headers: Array.from({ length: 21 }, (_, i) => [`x-${i}`, "v"] as [string, string]) }),
    answer: [431, "headers-too-large"],
  },
  headerBytes: {
    guest: c({ headerBytes: 1000 }),
    path: "hello",
    init: () => ({ headers: { "x-long": "v".repeat(1000) } }),
    answer: [431, "headers-too-large"],
  },
  outgoingRequests: {
    guest: c({ outgoingRequests: 3 }),
    path: `outgoing-many?n=5&url=${other("hello")}`,
    text: /connection-limit-reached|\b3\b/,
  },
  // It is for sockets: calls of other functions do not meet it.
  outgoingAtOnce: {
    guest: { ...c({ outgoingAtOnce: 2 }), grants: { http: { allow: [upstream.origin] } } },
    path: `outgoing-many?n=6&url=${encodeURIComponent(`${upstream.origin}/`)}`,
    text: /^good 6\n$/,
    check: () => expect(upstream.most).toBe(2),
  },
  hostCallBytes: { guest: c({ hostCallBytes: 2000 }), path: "poll-many?n=200&ms=1", answer: trapped },
  logBytes: {
    guest: c({ logBytes: 100 }),
    path: "stdout?lines=200",
    text: /^hello\n$/,
    check(records) {
      const kept = records.filter(({ source }) => source === "stdout").length;
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThanOrEqual(100 / "line".length);
      expect(records.map(({ message }) => message)).toContain(
        `${200 - kept} log records dropped past 100 bytes (limits.logBytes)`,
      );
    },
  },
  handles: { guest: c({ handles: 100 }), path: "handles?n=1000", answer: trapped },
  subtasks: { guest: p3({ subtasks: 5 }), path: `sleep-many?n=6&ms=${LONG}`, answer: trapped },
  streams: { guest: p3({ streams: 1 }), path: "hello", answer: trapped },
  randomBytes: { guest: c({ randomBytes: 100 }), path: "random?n=101", answer: trapped },
  scratchMb: { guest: files({ scratchMb: 1 }), path: step("fill:/tmp/a"), text: /ENOSPC/ },
  scratchEntries: {
    guest: files({ scratchEntries: 1 }),
    path: step("mkdir:/tmp/a", "mkdir:/tmp/b"),
    text: /ENOSPC/,
  },
});

/** Asks for what waits; answers with what ends it. */
async function waiting(server: TestServer, name: string, paths: readonly string[]): Promise<() => Promise<unknown>> {
  const callers = new AbortController();
  const asked: Promise<unknown>[] = [];
  for (const path of paths) {
    const before = server.runtime.tasks.size;
    asked.push(server.fetch(`/${name}/${path}`, { signal: callers.signal }).catch(() => {}));
    while (server.runtime.tasks.size === before) await new Promise((done) => setTimeout(done, 1));
  }
  return () => {
    callers.abort();
    return Promise.all(asked);
  };
}

onEachEngine("every limit is met, counted, and told as the documentation says", async (engine) => {
  await using upstream = new Upstream();
  const MEETINGS = meetings(upstream);
  const guests = Object.entries(MEETINGS).map(([name, { guest }]) => [name.toLowerCase(), guest] as const);
  await using server = await serve({ engine, guests: { other: { fixture: "c-http" }, ...Object.fromEntries(guests) } });
  for (const name of Object.keys(FUNCTION_LIMITS) as LimitName[]) {
    const { path, init, before = [], answer, text, outcome, check } = MEETINGS[name];
    const end = await waiting(server, name.toLowerCase(), before);
    const asked = init?.() ?? {};
    const headers = new Headers(asked.headers);
    headers.set("x-request-id", name);
    const [status, body] = await server.fetch(`/${name.toLowerCase()}/${path}`, { ...asked, headers }).then(
      async (response) => [response.status, await response.text().catch(() => "broken off")] as const,
      () => [0, "broken off"] as const,
    );
    const { fields, message } = await server.outcome(name);
    expect([name, message, Object.keys(fields!["limits"] ?? {})]).toEqual([
      name,
      message,
      expect.arrayContaining([name]),
    ]);
    if (answer !== undefined) {
      expect([name, status, JSON.parse(body).error.code]).toEqual([name, ...answer]);
      expect([name, FUNCTION_LIMITS[name].caller]).toEqual([
        name,
        expect.stringContaining(`${answer[0]} \`${answer[1]}\``),
      ]);
    }
    if (text !== undefined) expect(`${name}: ${body}`).toMatch(new RegExp(text.source.replace("^", `^${name}: `)));
    if (outcome !== undefined) {
      expect([name, fields!["code"]]).toEqual([name, outcome]);
      expect(FUNCTION_LIMITS[name].caller).toContain(`\`${outcome}\``);
    }
    check?.(server.recordsOf(name));
    await end();
    while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  }
});
