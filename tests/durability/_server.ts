/**
 * The servers that keep state for many machines, each a process that a test may kill and start again.
 *
 * @module
 */
import { basename } from "node:path";

/** How one of them is started. */
interface Kind {
  /** The variable that says where the binary is. */
  readonly variable: string;
  start(of: { path: string; folder: string; address: string }): { args: string[]; env: Record<string, string> };
}

const SERVERS = {
  denokv: {
    variable: "TEST_DENOKV",
    start: ({ folder, address }) => ({
      args: ["--sqlite-path", `${folder}/kv.sqlite3`, "serve", "--addr", address],
      env: { DENO_KV_ACCESS_TOKEN: SECRET },
    }),
  },
  sqld: {
    variable: "TEST_SQLD",
    start: ({ folder, address }) => ({
      args: ["--db-path", `${folder}/data.sqld`, "--http-listen-addr", address],
      env: {},
    }),
  },
  s3: {
    variable: "TEST_S3_SERVER",
    start: ({ path, folder, address }) =>
      basename(path).startsWith("versitygw")
        ? { args: ["--access", SECRET, "--secret", SECRET, "--port", address, "posix", folder], env: {} }
        : {
          args: ["server", folder, "--address", address, "--quiet"],
          env: { MINIO_ROOT_USER: SECRET, MINIO_ROOT_PASSWORD: SECRET },
        },
  },
} satisfies Readonly<Record<string, Kind>>;

/** What a client of any of them shows. */
export const SECRET = "a-secret-of-tests";

export type ServerKind = keyof typeof SERVERS;

/** Where the binary is; and if it is nowhere, what to set. */
export function binaryOf(kind: ServerKind): { readonly path: string | undefined; readonly variable: string } {
  const { variable } = SERVERS[kind];
  return { path: Deno.env.get(variable), variable };
}

/** A port that nobody listens at. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server over a folder, always at the same port. */
export class KilledServer implements AsyncDisposable {
  readonly #kind: ServerKind;
  readonly #folder: string;
  readonly #port = freePort();
  #child: Deno.ChildProcess | undefined;

  private constructor(kind: ServerKind, folder: string) {
    this.#kind = kind;
    this.#folder = folder;
  }

  static async start(kind: ServerKind, folder: string): Promise<KilledServer> {
    const server = new KilledServer(kind, folder);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, and resolves when it listens. */
  async start(): Promise<void> {
    const path = binaryOf(this.#kind).path!;
    const kind: Kind = SERVERS[this.#kind];
    const { args, env } = kind.start({ path, folder: this.#folder, address: `127.0.0.1:${this.#port}` });
    const options = { args, env, stdin: "null", stdout: "null", stderr: "null" } as const;
    const child = this.#child = new Deno.Command(path, options).spawn();
    let ended = false;
    child.status.then(() => ended = true);
    while (true) {
      try {
        // Any answer will do.
        await (await fetch(this.url)).body?.cancel();
        return;
      } catch {
        if (ended) throw new Error(`starting ${path}: it ended at once`);
        await new Promise((done) => setTimeout(done, 20));
      }
    }
  }

  /** Ends it as nothing can prepare for. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
