// main.ts as `deno serve` and Deno Deploy run it: they take its default export, and listen themselves.
import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fixturePath } from "./fixtures/mod.ts";

const MAIN = new URL("../main.ts", import.meta.url).href;
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** All that is written to `streams`, as it comes. */
class Output {
  text = "";
  #changed = Promise.withResolvers<void>();
  readonly ended: Promise<unknown>;

  constructor(...streams: ReadableStream<Uint8Array>[]) {
    this.ended = Promise.all(streams.map((stream) => this.#read(stream)));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
      this.text += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    this.#changed.resolve();
  }

  async saw(pattern: RegExp): Promise<string> {
    let over = false;
    this.ended.then(() => over = true);
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) return found[1] ?? found[0];
      if (over) throw new Error(`the server ended without ${pattern}:\n${this.text}`);
      await this.#changed.promise;
    }
  }
}

for (const flags of [["--parallel"], []]) {
  Deno.test(`deno serve ${[...flags, "main.ts"].join(" ")} serves, and ends well at SIGTERM`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "skerry-deno-serve-" });
    const folder = join(directory, "guest");
    await Deno.mkdir(folder);
    await Deno.copyFile(await fixturePath("c-http"), join(folder, "main.wasm"));
    const manifest = { name: "guest", routes: [{ path: "/*" }], source: "main.wasm" };
    await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "serve",
        "--allow-net",
        "--allow-read",
        "--allow-env",
        "--host=127.0.0.1",
        "--port=0",
        "--config",
        CONFIG,
        ...flags,
        MAIN,
      ],
      cwd: directory,
      env: { NO_COLOR: "1", SKERRY_FUNCTIONS: directory, DENO_JOBS: "2" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = new Output(process.stdout, process.stderr);
    try {
      const origin = await output.saw(/Listening on (http:\/\/127\.0\.0\.1:\d+)/);
      // Every thread has to be there before one of them is asked to stop.
      await output.saw(flags.length > 0 ? /ready after[^]*ready after/ : /ready after/);
      const texts = await Promise.all(Array.from({ length: 20 }, async () => {
        return await (await fetch(`${origin}/sleep?ms=20`)).text();
      }));
      expect(texts.every((text) => text.startsWith("slept"))).toBe(true);
      const running = fetch(`${origin}/sleep?ms=300`, { headers: { "x-request-id": "last", connection: "close" } });
      await fetch(`${origin}/hello`).then((response) => response.text());
      process.kill("SIGTERM");
      expect(await (await running).text()).toMatch(/^slept/);
      expect((await process.status).code).toBe(0);
    } finally {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await Promise.all([output.ended, process.status]);
      await Deno.remove(directory, { recursive: true });
    }
  });
}
