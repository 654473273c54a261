// Servers as the tasks start them, in processes of their own, with the permissions that the tasks give them.
import { expect } from "@std/expect";
import { join } from "node:path";
import { prepare } from "../runtime/cli/build.ts";
import { fixturePath } from "./fixtures/mod.ts";

const root = new URL("../", import.meta.url);

/** The flags and the script of a task that runs one, as deno.json has them. */
async function commandOf(task: string): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const words: string[] = tasks[task].command.split("&& deno ").at(-1).replace(/^deno /, "").split(" ");
  return words.map((word) => word.endsWith(".ts") ? new URL(word, root).href : word);
}

/** A server in a process of its own, and a folder of its own to run in. */
class Server implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly status: Promise<Deno.CommandStatus>;
  output = "";
  #changed = Promise.withResolvers<void>();
  readonly #ended: Promise<unknown>;

  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#ended = Promise.all([this.#read(process.stdout), this.#read(process.stderr)]);
    this.status = this.#ended.then(() => process.status);
  }

  static async start(
    task: string,
    cwd: string,
    env: Record<string, string> = {},
    flags: readonly string[] = [],
  ): Promise<Server> {
    const [run, ...rest] = await commandOf(task);
    const command = new Deno.Command(Deno.execPath(), {
      args: [run!, ...flags, ...rest],
      cwd,
      env: { PORT: "0", NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    return new Server(command.spawn());
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
      this.output += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    this.#changed.resolve();
  }

  /** What `pattern` finds in the output, as soon as it is there. */
  async saw(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    this.#ended.then(() => over = true);
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (over) throw new Error(`the server ended without ${pattern}:\n${this.output}`);
      await this.#changed.promise;
    }
  }

  async url(path: string): Promise<string> {
    return new URL(path, (await this.saw(/listening at (http:[^"\s]+)/))[1]).href;
  }

  stop(): void {
    this.#process.kill("SIGTERM");
  }

  async [Symbol.asyncDispose]() {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.status;
  }
}

async function inFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-server-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function writeFunction(folder: string, routes: unknown, component: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(component, join(folder, "main.wasm"));
  await Deno.writeTextFile(join(folder, "function.json"), manifest(routes));
}

const manifest = (routes: unknown) => JSON.stringify({ name: "guest", routes, source: "main.wasm" });

/** A folder with a `dist/` of one function that takes every path. */
async function prepared(body: (directory: string) => Promise<void>): Promise<void> {
  await inFolder(async (directory) => {
    await writeFunction(join(directory, "components", "guest"), [{ path: "/*" }], await fixturePath("c-http"));
    await prepare(join(directory, "components"), join(directory, "dist"));
    await Deno.remove(join(directory, "components"), { recursive: true });
    await body(directory);
  });
}

async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) files.push(...await filesIn(path));
    else files.push(`${path} ${(await Deno.stat(path)).mtime?.getTime()}`);
  }
  return files.sort();
}

Deno.test("deno task start serves dist/ with its three permissions, and writes nothing", async () => {
  const command = await commandOf("start");
  const permissions = command.filter((word) => word.startsWith("-"));
  expect(permissions).toEqual(["--allow-net", "--allow-read", "--allow-env"]);
  await prepared(async (directory) => {
    const before = await filesIn(directory);
    await using server = await Server.start("start", directory);
    const response = await fetch(await server.url("/hello"), { headers: { "x-request-id": "abc" } });
    expect([response.status, response.headers.get("x-request-id"), await response.text()]).toEqual([
      200,
      "abc",
      "hello\n",
    ]);
    const trap = await fetch(await server.url("/trap"));
    expect([trap.status, (await trap.json()).error.code]).toEqual([500, "guest-trapped"]);
    expect(await filesIn(directory)).toEqual(before);
  });
});

Deno.test("a server that gets SIGTERM finishes the requests that run, and ends with 0", async () => {
  await prepared(async (directory) => {
    await using server = await Server.start("start", directory);
    const response = await fetch(await server.url("/response-then-continue?chunks=4&ms=150"));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value;
    server.stop();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value;
    expect(text).toContain("piece 3");
    expect((await server.status).code).toBe(0);
  });
});

Deno.test("a server that gets SIGTERM ends requests that run on after SKERRY_STOP_GRACE_MS", async () => {
  await prepared(async (directory) => {
    await using server = await Server.start("start", directory, { SKERRY_STOP_GRACE_MS: "200" });
    const response = await fetch(await server.url("/never?headers=1"));
    server.stop();
    await expect(response.text()).rejects.toThrow();
    expect((await server.status).code).toBe(0);
    expect(server.output).toContain("ended 1 requests that ran on after 200 ms");
  });
});

Deno.test("a server whose settings are wrong says so in one sentence", async () => {
  await inFolder(async (directory) => {
    for (
      const [env, message] of [
        [{ PORT: "http" }, 'reading the environment: PORT: "http" is not understood'],
        [{ SKERRY_STOP_GRACE: "5" }, 'SKERRY_STOP_GRACE: no such setting; write "SKERRY_STOP_GRACE_MS".'],
        [{ SKERRY_FUNCTIONS: "nowhere" }, "nowhere: there is no such folder."],
      ] as const
    ) {
      await using server = await Server.start("start", directory, env);
      expect((await server.status).code).toBe(1);
      expect(server.output).toContain(message);
      expect(server.output.trim().split("\n").length).toBe(1);
    }
  });
});

Deno.test("a runtime without JSPI gets one sentence", async () => {
  await inFolder(async (directory) => {
    const without = join(directory, "without_jspi.ts");
    await Deno.writeTextFile(without, "delete (WebAssembly as { Suspending?: unknown }).Suspending;");
    await using server = await Server.start("start", directory, {}, [`--preload=${without}`]);
    expect((await server.status).code).toBe(1);
    expect(server.output).toMatch(
      /^starting Skerry: this JavaScript runtime has no .*JSPI.* Use Deno 2\.5 or newer\.\n$/,
    );
  });
});

Deno.test("deno task dev serves what changes, and the last good version while a manifest is broken", async () => {
  await inFolder(async (directory) => {
    const folder = join(directory, "components", "guest");
    await writeFunction(folder, [{ path: "/hello" }], await fixturePath("c-http"));
    await using server = await Server.start("dev", directory);
    const status = async (path: string) => {
      const response = await fetch(await server.url(path));
      await response.body?.cancel();
      return response.status;
    };
    expect([await status("/hello"), await status("/echo")]).toEqual([200, 404]);

    await Deno.writeTextFile(join(folder, "function.json"), manifest([{ path: "/:any" }]));
    await server.saw(/\[guest\] host: replaced/);
    expect(await status("/echo")).toBe(200);

    await Deno.writeTextFile(join(folder, "function.json"), manifest([{ path: "echo" }]));
    await server.saw(/the last good version goes on serving\n.*routes\[0\]\.path: "echo" must begin with a slash/);
    expect(await status("/echo")).toBe(200);

    await writeFunction(
      join(directory, "components", "broken"),
      [{ path: "/broken/*" }],
      join(folder, "function.json"),
    );
    const broken = manifest([{ path: "/broken/*" }]).replace("guest", "broken");
    await Deno.writeTextFile(join(directory, "components", "broken", "function.json"), broken);
    await server.saw(/\[broken\] host: broken\n/);
    const page = await fetch(await server.url("/broken/x"), { headers: { accept: "text/html" } });
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining("function-broken")]);
    expect(await status("/echo")).toBe(200);
  });
});
