/**
 * Neither Skerry's process nor the server behind it loses what was acknowledged, or does twice what was done, when it is
 * killed in the middle of writes. Each needs a real server: TEST_DENOKV, TEST_SQLD and TEST_S3_SERVER are the paths of
 * binaries, and the test is skipped without.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { withTask } from "../../runtime/context.ts";
import { Task } from "../../runtime/task.ts";
import { withFolder } from "../_folder.ts";
import { binaryOf, KilledServer } from "./_server.ts";
import { type Store, STORES } from "./_stores.ts";

const WRITER = fileURLToPath(new URL("./_writer.ts", import.meta.url));

/** How many are killed, and after how many more acknowledged steps each. */
const KILLS = [1, 40, 7, 90, 23, 60];

/** A writer in a process of its own. */
class WriterProcess {
  readonly #child: Deno.ChildProcess;
  readonly #said: Map<string, string[]>;
  readonly #ended: Promise<void>;
  #steps = 0;
  #isOver = false;
  #heard = Promise.withResolvers<void>();

  constructor(kind: string, url: string, run: string, said: Map<string, string[]>) {
    this.#said = said;
    const flags = ["--quiet", "--no-check", "--unstable-kv", "-A"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, WRITER, kind, url, run],
      env: { DENO_KV_ACCESS_TOKEN: "a-secret-of-tests" },
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#ended = this.#listen();
  }

  async #listen(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      // What follows the last newline was not said to its end.
      rest = lines.pop()!;
      for (const line of lines) {
        const [what, id] = line.split(" ") as [string, string];
        this.#said.set(what, [...this.#said.get(what) ?? [], id]);
        if (!what.endsWith("?")) this.#steps++;
      }
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    }
    this.#isOver = true;
    this.#heard.resolve();
  }

  /** Resolves when `count` more steps were acknowledged. */
  async steps(count: number): Promise<void> {
    const until = this.#steps + count;
    while (this.#steps < until) {
      if (this.#isOver) throw new Error("the writer ended by itself");
      await this.#heard.promise;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    await this.#child.status;
  }
}

function durable(kind: string, killed: string, run: (store: Store, server: KilledServer) => Promise<Killing>): void {
  const store = STORES[kind]!;
  const { path, variable } = binaryOf(store.server);
  const name =
    `${kind}: ${killed} is killed in the middle of writes: nothing acknowledged is lost, and nothing done twice`;
  if (path === undefined) {
    Deno.test({ name: `${name}: skipped, ${variable} names no ${store.server}`, ignore: true, fn: () => {} });
    return;
  }
  Deno.test(name, () =>
    withFolder(async (folder) => {
      Deno.env.set("DENO_KV_ACCESS_TOKEN", "a-secret-of-tests");
      await using server = await KilledServer.start(store.server, folder);
      await inTask(() => store.prepare?.(server.url));
      const { said, kills } = await run(store, server);
      const found = await inTask(() => store.verify(server.url, said));
      console.log(`${kind}, ${kills} kills of ${killed}: ${JSON.stringify(found)}`);
    }));
}

interface Killing {
  readonly said: Map<string, string[]>;
  readonly kills: number;
}

async function inTask<T>(body: () => T | Promise<T>): Promise<T> {
  const task = new Task({ function: "f", wallMs: 3_600_000, sink: () => {} });
  try {
    return await withTask(task, body);
  } finally {
    task.end();
  }
}

for (const kind of Object.keys(STORES)) {
  durable(kind, "the writer", async (_, server) => {
    const said = new Map<string, string[]>();
    for (const [run, count] of KILLS.entries()) {
      const writer = new WriterProcess(kind, server.url, `${run}`, said);
      await writer.steps(count);
      await writer.kill();
    }
    return { said, kills: KILLS.length };
  });

  durable(kind, "the server", async (_, server) => {
    const said = new Map<string, string[]>();
    const writer = new WriterProcess(kind, server.url, "0", said);
    for (const count of KILLS) {
      await writer.steps(count);
      await server.kill();
      await server.start();
    }
    await writer.steps(1);
    await writer.kill();
    return { said, kills: KILLS.length };
  });
}

for (const kind of ["kv", "queue"]) {
  durable(kind, "the connection", async (_, server) => {
    await using proxy = forgetful(server.url);
    const said = new Map<string, string[]>();
    const writer = new WriterProcess(kind, proxy.url, "0", said);
    await writer.steps(150);
    await writer.kill();
    return { said, kills: proxy.lost };
  });
}

/** A proxy in front of a denokv server that loses the answer to every fifth commit, which the server has done. */
function forgetful(url: string): AsyncDisposable & { readonly url: string; readonly lost: number } {
  let commits = 0;
  let lost = 0;
  const { host } = new URL(url);
  const proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const asked = new URL(request.url);
    const body = request.method === "POST" ? await request.bytes() : null;
    const { method, headers } = request;
    const answer = await fetch(new URL(asked.pathname + asked.search, url), { method, headers, body });
    const bytes = await answer.bytes();
    if (asked.pathname.endsWith("/atomic_write") && ++commits % 5 === 0) {
      lost++;
      return new Response(new ReadableStream({ start: (controller) => controller.error(new Error("lost")) }));
    }
    const type = answer.headers.get("content-type") ?? "";
    // Where to send what follows stands in the first answer.
    const told = type.includes("json") ? new TextDecoder().decode(bytes).replaceAll(host, asked.host) : bytes;
    return new Response(told, { status: answer.status, headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${proxy.addr.port}`,
    get lost() {
      return lost;
    },
    async [Symbol.asyncDispose]() {
      await proxy.shutdown();
    },
  };
}
