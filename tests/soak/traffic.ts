/**
 * What callers do: good requests to good functions, requests to functions that hang, spin, grow, trap and leave, and
 * callers that leave, stall and send half of what they said.
 *
 * @module
 */
import { ResponseParser } from "../bench/http_response.ts";
import type { SoakSpec } from "./server.ts";

const SPIN = "spin?n=1000000000000000";
const MIB = 1024 * 1024;

/** What a function that takes too much of it meets. */
const LITTLE = {
  memoryMb: 4,
  handles: 100,
  logBytes: 1000,
  requestBodyBytes: MIB,
  responseBodyBytes: MIB,
  randomBytes: 100,
  hostCallBytes: MIB,
};

/** Guests of `tests/hostile/` and how a request to each ends. */
const SPINNERS = [
  "start",
  "realloc",
  "post_return",
  "destructor",
  "recursion",
  "host_calls",
  "catches",
  "composed_callee",
  "composed_async_caller",
  "p3_entry",
  "p3_callback",
  "p3_timer",
  "p3_stackful",
];
const TAKERS = { pollables: "handles", p3_streams: "streams", p3_subtasks: "subtasks" } as const;

const hostile = (name: string, limits: Readonly<Record<string, number>>) =>
  [name.replaceAll("_", "-"), {
    fixture: new URL(`../hostile/guests/${name}.wasm`, import.meta.url).href as `file:${string}`,
    limits,
  }] as const;

/** The functions. Those that wait or spin have little time, so that an hour of them fits into minutes. */
export const FUNCTIONS: SoakSpec["functions"] = {
  small: { fixture: "small" },
  c: { fixture: "c-http" },
  p3: { fixture: "c-p3" },
  bad: {
    fixture: "c-http",
    limits: { ...LITTLE, cpuMs: 20, wallMs: 500, requestBodyWaitMs: 50 },
  },
  // On a busy machine a function with little time may run out of it before it does what it is asked for.
  fails: { fixture: "c-http", limits: LITTLE },
  failsp3: { fixture: "c-p3", limits: { subtasks: 5 } },
  badp3: { fixture: "c-p3", limits: { wallMs: 500, cpuMs: 20, subtasks: 5, requestBodyWaitMs: 50 } },
  // It calls itself, sometimes more often than it may have isolates.
  circle: {
    fixture: "c-http",
    limits: { isolates: 3 },
    grants: { http: { allow: ["http://circle.internal"] } },
  },
  ...Object.fromEntries([
    ...SPINNERS.map((name) => hostile(name, { cpuMs: 20 })),
    ...Object.entries(TAKERS).map(([name, limit]) => hostile(name, { [limit]: 100 })),
    hostile("headers", { headerBytes: 10_000 }),
    hostile("table", {}),
  ]),
};

const circle = (depth: number): string =>
  depth === 0 ? "hello" : `outgoing?url=${encodeURIComponent(`http://circle.internal/${circle(depth - 1)}`)}`;

/** One kind of request. */
export interface Kind {
  readonly name: string;
  readonly path: string;
  /** How often, among all. */
  readonly weight: number;
  /**
   * Every status that is right. 0: the answer is broken off, or the caller does not wait for it.
   */
  readonly status: readonly number[];
  readonly bytes?: number;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Whether the next request goes over the same connection: not after a guest that may fail when it has answered. */
  readonly reuse?: boolean;
  /** What the caller does instead of waiting for the end of the answer. */
  readonly caller?: "leaves" | "stalls" | "half-head" | "stops-reading";
}

const good = (path: string, weight: number, bytes: number, body?: Kind["body"]): Kind => ({
  name: path,
  path,
  weight,
  status: [200],
  bytes,
  reuse: true,
  ...(body === undefined ? {} : { body }),
});
const bad = (path: string, weight: number, ...status: number[]): Kind => ({
  name: `bad ${path}`,
  path,
  weight,
  status,
});
const caller = (what: NonNullable<Kind["caller"]>, path: string, weight: number, ...status: number[]): Kind => ({
  name: `a caller who ${what}: ${path}`,
  path,
  weight,
  status,
  caller: what,
});

const BODY = new Uint8Array(10_000).fill(97);

/** All of them. */
export const KINDS: readonly Kind[] = [
  good("/small/", 300, 0),
  good("/c/hello", 300, 6),
  good("/c/echo", 100, BODY.length, BODY),
  good("/c/big?bytes=100000", 50, 100_000),
  good("/c/sleep?ms=5", 50, 0),
  good("/p3/hello", 100, 6),
  good("/p3/echo", 50, BODY.length, BODY),
  good("/p3/sleep-many?n=5&ms=1", 20, 0),
  bad(`/bad/${SPIN}`, 3, 504),
  bad("/bad/never", 5, 504),
  bad("/badp3/never", 5, 504),
  bad("/fails/recurse?depth=100000000", 3, 500),
  bad("/fails/memory?pages=200&step=1", 5, 200),
  bad("/fails/handles?n=1000", 5, 500),
  bad("/fails/random?n=1000", 5, 500),
  bad("/fails/trap", 5, 500),
  bad("/fails/panic", 5, 500),
  bad("/fails/exit", 5, 502),
  bad("/fails/no-response", 5, 502),
  bad("/fails/set-error", 5, 500, 502),
  bad("/fails/stdout?lines=200", 5, 200),
  bad("/fails/trap-after-headers", 5, 500),
  bad("/fails/big?bytes=2000000", 3, 0),
  bad("/failsp3/trap", 5, 500),
  bad("/failsp3/sleep-many?n=50&ms=600000", 5, 500),
  ...SPINNERS.map((name) => bad(`/${name.replaceAll("_", "-")}/`, 1, 504)),
  ...Object.keys(TAKERS).map((name) => bad(`/${name.replaceAll("_", "-")}/`, 2, 500)),
  bad("/headers/", 2, 500),
  bad("/table/", 2, 502),
  // Where the function is busy the caller inside hears of it, and answers all the same.
  bad(`/circle/${circle(1)}`, 10, 200),
  bad(`/circle/${circle(5)}`, 5, 200),
  { ...bad("/fails/body-size", 3, 413), body: new Uint8Array(MIB + 1) },
  caller("leaves", "/c/never", 10, 0),
  caller("leaves", "/p3/never", 5, 0),
  caller("leaves", "/c/big?bytes=100000000", 3, 0),
  caller("stops-reading", "/bad/big?bytes=1000000", 3, 0),
  caller("half-head", "/c/hello", 10, 0),
  caller("stalls", "/bad/body-size", 5, 408, 504),
  caller("stalls", "/badp3/body-size", 3, 408, 504),
];

/** A row of kinds that repeats, mixed evenly, the same each time. */
export function mix(kinds: readonly Kind[]): Kind[] {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  const owed = kinds.map(() => 0);
  return Array.from({ length: total }, () => {
    kinds.forEach(({ weight }, i) => owed[i]! += weight);
    const next = owed.indexOf(Math.max(...owed));
    owed[next]! -= total;
    return kinds[next]!;
  });
}

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly reusable: boolean;
}

/** A connection that sends one request after another. */
export class Caller {
  readonly #port: number;
  #connection: Deno.TcpConn | undefined;
  readonly #buffer = new Uint8Array(64 * 1024);
  /** Whether anything has come in answer to the last request. */
  #heard = false;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request of this kind. Answers what was wrong, or nothing. */
  async send(kind: Kind): Promise<string | undefined> {
    if (kind.caller !== undefined) return await this.#misbehave(kind);
    const expectsEnd = kind.status.includes(0);
    try {
      const { status, bytes, reusable } = await this.#exchangeOrAgain(kind);
      if (!reusable) this.close();
      if (expectsEnd) return `${kind.name}: ${status} and ${bytes} bytes, and it should have been broken off`;
      if (!kind.status.includes(status)) return `${kind.name}: ${status}`;
      // What says how long it is, and some answers do not have a fixed length.
      if (kind.bytes && bytes !== kind.bytes) return `${kind.name}: ${bytes} bytes`;
      return undefined;
    } catch (error) {
      this.close();
      return expectsEnd ? undefined : `${kind.name}: ${error instanceof Error ? error.message : error}`;
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** A server may close a connection after any answer (RFC 9112, section 9.5): what was sent then is sent again. */
  async #exchangeOrAgain(kind: Kind): Promise<Answer> {
    const isReused = this.#connection !== undefined;
    this.#heard = false;
    try {
      return await this.#exchange(kind);
    } catch (error) {
      if (!isReused || this.#heard) throw error;
      this.close();
      return await this.#exchange(kind);
    }
  }

  async #exchange(kind: Kind): Promise<Answer> {
    const { path, body } = kind;
    const connection = this.#connection ??= await connect(this.#port);
    const length = kind.caller === "stalls" ? 1000 : body?.length;
    const head = length === undefined
      ? `GET ${path} HTTP/1.1\r\nhost: soak.test\r\n\r\n`
      : `POST ${path} HTTP/1.1\r\nhost: soak.test\r\ncontent-length: ${length}\r\n\r\n`;
    await write(connection, new TextEncoder().encode(head));
    // A refusal may come before all of the body has gone, and then nobody takes the rest.
    const sent = body === undefined ? undefined : write(connection, body).then(() => true, () => false);
    let bytes = 0;
    const parser = new ResponseParser((part) => bytes += part.length);
    while (!parser.done) {
      const count = await connection.read(this.#buffer);
      if (count === null) throw new Error("the connection was closed");
      this.#heard = true;
      parser.push(this.#buffer.subarray(0, count));
    }
    const reusable = kind.reuse === true && parser.status === 200;
    if (!reusable) return { status: parser.status, bytes, reusable };
    return { status: parser.status, bytes, reusable: await sent ?? true };
  }

  async #misbehave(kind: Kind): Promise<string | undefined> {
    this.close();
    if (kind.caller === "stalls") {
      try {
        const { status } = await this.#exchange(kind);
        return kind.status.includes(status) ? undefined : `${kind.name}: ${status}`;
      } catch (error) {
        return `${kind.name}: ${error instanceof Error ? error.message : error}`;
      } finally {
        this.close();
      }
    }
    const connection = await connect(this.#port);
    const head = `GET ${kind.path} HTTP/1.1\r\nhost: soak.test\r\n`;
    await write(connection, new TextEncoder().encode(kind.caller === "half-head" ? head : `${head}\r\n`));
    if (kind.caller === "stops-reading") await connection.read(this.#buffer).catch(() => {});
    // Sometimes before it is looked at, sometimes while it runs.
    await new Promise((done) => setTimeout(done, 2));
    connection.close();
    return undefined;
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay();
  return connection;
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(at === 0 ? bytes : bytes.subarray(at));
}
