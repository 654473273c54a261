/**
 * Servers with hostile guests for tests, each in a process of its own, with an end to every wait.
 *
 * A limit that does not hold must fail the test which is there for it, and no other: nobody can stop a guest that spins in
 * the tests' own process.
 *
 * @module
 */
import type { LogRecord } from "../../runtime/log.ts";
import { lines } from "../bench/_lines.ts";
import type { Guest } from "../http/_serve.ts";
import type { ChildSpec, EngineName, Said, ServerState } from "./_child.ts";

export type { EngineName } from "./_child.ts";

/** The engines that every limit holds on. */
export const ENGINES: readonly EngineName[] = ["native", "jco"];

/** How long a test waits for anything. No limit in these tests is near it, and a busy machine has time enough. */
const PATIENCE_MS = 120_000;

/** How long it waits for a server to load its guests, none of which runs meanwhile: jco's may be minutes' work. */
const LOAD_MS = 900_000;

/** How long its process may take to end by itself. */
const STOP_MS = 5000;

export interface HostileOptions {
  readonly engine: EngineName;
  readonly guests: Readonly<Record<string, Guest>>;
  /** Isolates at once. Default: more than the tests need. */
  readonly isolates?: number;
  /** Default: true. */
  readonly meter?: boolean;
  /** How large the heap of its process may get. Default: what V8 takes. */
  readonly heapMb?: number;
  /** How long to wait for an answer. */
  readonly patienceMs?: number;
}

/** A server in another process. Dispose of it with `await using`. */
export class HostileServer implements AsyncDisposable {
  /** Every log record so far. */
  readonly records: LogRecord[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #patienceMs: number;
  readonly #reading: Promise<void>;
  readonly #waiting = new Set<() => void>();
  readonly #states: ServerState[] = [];
  #port: number | undefined;
  #ended = false;
  #hangs = false;

  private constructor(options: HostileOptions) {
    const { engine, heapMb, meter = true, guests, isolates, patienceMs = PATIENCE_MS } = options;
    const spec: ChildSpec = {
      engine,
      meter,
      guests: Object.fromEntries(
        Object.entries(guests).map(([name, guest]) => [name, { ...guest, fixture: String(guest.fixture) }]),
      ),
      ...(isolates === undefined ? {} : { isolates }),
    };
    this.#patienceMs = patienceMs;
    const heap = heapMb === undefined ? [] : [`--v8-flags=--max-old-space-size=${heapMb}`];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--no-prompt",
        ...heap,
        new URL("_child.ts", import.meta.url).href,
        JSON.stringify(spec),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#reading = this.#read();
  }

  static async start(options: HostileOptions): Promise<HostileServer> {
    const server = new HostileServer(options);
    try {
      await server.#until("it listens", () => server.#port, LOAD_MS);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #read(): Promise<void> {
    for await (const line of lines(this.#process.stdout)) {
      const said = JSON.parse(line) as Said;
      if ("record" in said) this.records.push(said.record);
      else if ("port" in said) this.#port = said.port;
      else this.#states.push(said.ok);
      for (const look of this.#waiting) look();
    }
    this.#ended = true;
    for (const look of this.#waiting) look();
  }

  /** Waits for something that its lines tell. */
  #until<T>(what: string, look: () => T | undefined, ms = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(this.#hung(what, ms))), ms);
      const done = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(again);
        settle();
      };
      const again = () => {
        const found = look();
        if (found !== undefined) done(() => resolve(found));
        else if (this.#ended) done(() => reject(new Error(`waiting until ${what}: the server's process has ended`)));
      };
      this.#waiting.add(again);
      again();
    });
  }

  #hung(what: string, ms = PATIENCE_MS): Error {
    this.#hangs = true;
    return new Error(
      `waiting until ${what}: nothing within ${ms} ms. A limit does not hold, and a guest keeps the server busy`,
    );
  }

  get port(): number {
    return this.#port!;
  }

  /** A request over the socket. */
  async fetch(path: string, { signal, ...init }: RequestInit = {}): Promise<Response> {
    const patience = AbortSignal.timeout(this.#patienceMs);
    try {
      return await fetch(`http://127.0.0.1:${this.#port}${path}`, {
        ...init,
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
      });
    } catch (error) {
      throw patience.aborted ? this.#hung(`${path} is answered`, this.#patienceMs) : error;
    }
  }

  /**
   * The whole answer to a request. A broken off body is an empty one, and where not even the headers came before the
   * connection was closed, the status is 0.
   */
  async get(path: string, init?: RequestInit): Promise<{ readonly status: number; readonly body: string }> {
    const response = await this.fetch(path, init).catch((error) => {
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    if (response === undefined) return { status: 0, body: "" };
    return { status: response.status, body: await response.text().catch(() => "") };
  }

  /** The host's last record of a request: what became of it. */
  outcome(id: string): Promise<LogRecord> {
    return this.#until(
      `${id} is over`,
      () => this.records.findLast(({ task, fields }) => task === id && fields?.["ms"] !== undefined),
    );
  }

  recordsOf(id: string): LogRecord[] {
    return this.records.filter(({ task }) => task === id);
  }

  /** What the server is busy with. One question at a time. */
  async state(): Promise<ServerState> {
    this.#states.length = 0;
    await this.#input.write(new TextEncoder().encode("{}\n"));
    return await this.#until("it says what it is busy with", () => this.#states.shift());
  }

  /** Asks until its state is as it should be. */
  async stateUntil(what: string, isSo: (state: ServerState) => boolean): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!isSo(await this.state())) {
      if (performance.now() > until) throw this.#hung(what);
      await new Promise((done) => setTimeout(done, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), this.#hangs ? 0 : STOP_MS);
    await this.#reading.catch(() => {});
    await this.#process.status;
    clearTimeout(timer);
  }
}
