/**
 * A server for a test: fixture guests as functions of a folder of their own, on a free port of the loopback.
 *
 * @module
 */
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import type { Admission } from "../../runtime/admission.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { withOlder } from "../../runtime/capabilities/mod.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { createJcoEngine } from "../../runtime/engine/jco/mod.ts";
import type { LogRecord } from "../../runtime/log.ts";
import { type Capability, FunctionRuntime } from "../../runtime/mod.ts";
import { mapFileOf } from "../../runtime/stack/script.ts";
import { type Fixture, fixturePath } from "../fixtures/mod.ts";

/** The engines that every test of a whole request runs on. */
export const ENGINES: readonly Engine[] = [nativeEngine, createJcoEngine({ cacheDir: ".skerry/jco" })];

/** One function of the server; it answers below `/NAME/`. */
export interface Guest {
  /** Or where its component is. */
  readonly fixture: Fixture | URL;
  readonly grants?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The functions in front of it. */
  readonly middleware?: readonly string[];
  /** What is in its folder beside its component: texts by path. */
  readonly files?: Readonly<Record<string, string>>;
}

type Guests = Readonly<Record<string, Guest>>;

/** The time that a guest has unless its test says otherwise: a busy machine is slow, and so it is for all. */
const PATIENT = { wallMs: 300_000, cpuMs: 300_000, queueWaitMs: 300_000 };

export interface ServeOptions {
  readonly engine: Engine;
  /** By name; or what they are for a server of such an origin. */
  readonly guests: Guests | ((origin: string) => Guests);
  readonly dev?: boolean;
  /** Show the counts of the process. Default: false. */
  readonly metrics?: boolean;
  readonly capabilities?: readonly Capability[];
  readonly admission?: Admission;
  /** Hears of each log record. */
  readonly onRecord?: (record: LogRecord) => void;
}

/** A running server. */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  readonly runtime: FunctionRuntime;
  /** Every log record so far. */
  readonly records: LogRecord[];
  /** The records of one request, by its `x-request-id`. */
  recordsOf(id: string): LogRecord[];
  /** Resolves with the host's last record of the request: what became of it. */
  outcome(id: string): Promise<LogRecord>;
  /** A request over the socket. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A request without a socket. */
  request(path: string, init?: RequestInit): Promise<Response>;
}

/** Serves `guests`. Dispose of it with `await using`. */
export async function serve(options: ServeOptions): Promise<TestServer> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-test-" });
  const records: LogRecord[] = [];
  const waiting = new Set<() => void>();
  const runtime = new FunctionRuntime({
    directory,
    engine: options.engine,
    dev: options.dev ?? false,
    metrics: options.metrics ?? false,
    capabilities: (options.capabilities ?? []).map(withOlder),
    ...(options.admission === undefined ? {} : { admission: options.admission }),
    sink: (record) => {
      records.push(record);
      options.onRecord?.(record);
      for (const look of waiting) look();
    },
  });
  const app = createRoutes(runtime);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const stop = async () => {
    await runtime.stop(0);
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  };
  const guests = typeof options.guests === "function" ? options.guests(origin) : options.guests;
  for (const [name, guest] of Object.entries(guests)) {
    const folder = join(directory, name);
    await Deno.mkdir(folder);
    const component = guest.fixture instanceof URL ? guest.fixture : await fixturePath(guest.fixture);
    await Deno.copyFile(component, join(folder, "guest.wasm"));
    const map = component instanceof URL ? undefined : await Deno.readFile(mapFileOf(component)).catch(() => undefined);
    if (map !== undefined) await Deno.writeFile(mapFileOf(join(folder, "guest.wasm")), map);
    const { grants = {}, env = {}, middleware = [] } = guest;
    const limits = { ...PATIENT, ...guest.limits };
    for (const [path, text] of Object.entries(guest.files ?? {})) {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    const routes = [{ path: `/${name}/*` }];
    const manifest = { name, routes, source: "guest.wasm", grants, limits, env, middleware };
    await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
  }
  await runtime.scan();
  const broken = runtime.functions.find(({ problem }) => problem !== null);
  if (broken !== undefined) {
    await stop();
    throw broken.problem;
  }
  return {
    origin,
    port: server.addr.port,
    runtime,
    records,
    recordsOf: (id) => records.filter(({ task }) => task === id),
    outcome(id) {
      return new Promise((resolve) => {
        const look = () => {
          const last = records.findLast(({ task, fields }) => task === id && fields?.["ms"] !== undefined);
          if (last === undefined) return;
          waiting.delete(look);
          resolve(last);
        };
        waiting.add(look);
        look();
      });
    },
    fetch: (path, init) => fetch(origin + path, init),
    request: (path, init) => Promise.resolve(app.request(origin + path, init)),
    [Symbol.asyncDispose]: stop,
  };
}

/** What came back on a raw connection. */
export interface RawAnswer {
  /** Status line and headers, byte for character. */
  readonly head: string;
  readonly body: string;
  /** Whether the body was whole by its framing: what `content-length` says, or a last chunk. */
  readonly whole: boolean;
}

/** Sends `text` (byte for character) on a connection of its own, and reads until the server closes it. */
export async function raw(port: number, text: string): Promise<RawAnswer> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  let answer = "";
  const buffer = new Uint8Array(64 * 1024);
  while (true) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    for (const byte of buffer.subarray(0, count)) answer += String.fromCharCode(byte);
  }
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  const whole = length === undefined
    ? /(?:^|\r\n)0\r\n(?:.*\r\n)*$/.test(body) || body.endsWith("0\r\n")
    : body.length === Number(length);
  return { head, body, whole };
}

/** Registers a test for each engine. */
export function onEachEngine(name: string, body: (engine: Engine) => Promise<void>): void {
  for (const engine of ENGINES) Deno.test(`${engine.name}: ${name}`, () => body(engine));
}
