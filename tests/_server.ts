/**
 * Servers in processes of their own, with the permissions that the tasks give them.
 *
 * @module
 */
import { join } from "node:path";
import { prepare } from "../runtime/cli/build.ts";
import type { EngineChoice } from "../runtime/settings.ts";
import { withFolder } from "./_folder.ts";
import { fixturePath } from "./fixtures/mod.ts";

/** After this, what a server has not said it will not say: a test should not wait for ever to say so. */
const MAX_WAIT_MS = 300_000;

const root = new URL("../", import.meta.url);

/** The flags and the script of a task that runs one, as deno.json has them. */
export async function commandOf(task: string): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const words: string[] = tasks[task].command.split("&& deno ").at(-1).replace(/^deno /, "").split(" ");
  return words.map((word) => word.endsWith(".ts") ? new URL(word, root).href : word);
}

export interface ServerOptions {
  readonly env?: Record<string, string>;
  /** More flags for `deno run`. */
  readonly flags?: readonly string[];
  /** Which Deno. Default: the one that runs the tests. */
  readonly deno?: string;
}

/** A server in a process of its own, and a folder of its own to run in. */
export class Server implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly status: Promise<Deno.CommandStatus>;
  output = "";
  #changed = Promise.withResolvers<void>();
  readonly #ended: Promise<unknown>;

  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#ended = Promise.all([this.#read(process.stdout), this.#read(process.stderr)]);
    this.#ended.then(() => this.#changed.resolve());
    this.status = this.#ended.then(() => process.status);
  }

  /** Starts what a task runs. */
  static async start(task: string, cwd: string, options: ServerOptions = {}): Promise<Server> {
    const [run, ...rest] = await commandOf(task);
    return Server.run([run!, ...options.flags ?? [], ...rest], cwd, options);
  }

  /** Starts Deno. */
  static run(args: readonly string[], cwd: string, options: Omit<ServerOptions, "flags"> = {}): Server {
    const command = new Deno.Command(options.deno ?? Deno.execPath(), {
      args: [...args],
      cwd,
      env: { PORT: "0", NO_COLOR: "1", ...options.env },
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
  }

  /** What `pattern` finds in the output, as soon as it is there. */
  async saw(pattern: RegExp): Promise<RegExpExecArray> {
    let over = "";
    this.#ended.then(() => over = "the server ended");
    const timer = setTimeout(() => {
      over = `nothing more came in ${MAX_WAIT_MS} ms`;
      this.#changed.resolve();
    }, MAX_WAIT_MS);
    try {
      for (;;) {
        const found = pattern.exec(this.output);
        if (found !== null) return found;
        if (over !== "") throw new Error(`${over}, without ${pattern}:\n${this.output}`);
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async url(path: string): Promise<string> {
    return new URL(path, (await this.saw(/listening (?:at|on) (http:[^"\s]+)/i))[1]).href;
  }

  get pid(): number {
    return this.#process.pid;
  }

  stop(signal: Deno.Signal = "SIGTERM"): void {
    this.#process.kill(signal);
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

export async function writeFunction(folder: string, routes: unknown, component: string, name = "guest"): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(component, join(folder, "main.wasm"));
  await Deno.writeTextFile(join(folder, "function.json"), manifest(routes, name));
}

export const manifest = (routes: unknown, name = "guest") =>
  JSON.stringify({ name, routes, limits: { wallMs: 300_000, cpuMs: 300_000 }, source: "main.wasm" });

/** A folder with a `dist/` of two functions: one that takes every path, and one of WASI 0.3 that takes those below `/p3`. */
export async function prepared(
  body: (directory: string) => Promise<void>,
  engine: EngineChoice = "native",
): Promise<void> {
  await withFolder(async (directory) => {
    const components = join(directory, "components");
    await writeFunction(join(components, "guest"), [{ path: "/*" }], await fixturePath("c-http"));
    await writeFunction(join(components, "p3"), [{ path: "/p3/*" }], await fixturePath("c-p3"), "p3");
    await prepare(join(directory, "components"), join(directory, "dist"), { engine });
    await Deno.remove(join(directory, "components"), { recursive: true });
    await body(directory);
  });
}

export async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) files.push(...await filesIn(path));
    else files.push(`${path} ${(await Deno.stat(path)).mtime?.getTime()}`);
  }
  return files.sort();
}
