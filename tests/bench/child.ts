/**
 * Processes that the benchmark starts, asks, and ends.
 *
 * @module
 */
import { lines } from "./_lines.ts";

/** How long a process may take to end by itself once its input has ended. */
const STOP_MS = 5_000;

/** How a {@linkcode Child} is started. */
export interface ChildOptions {
  /** Flags for Deno before the script, such as `--cpu-prof`. */
  readonly flags?: readonly string[];
}

/** A Deno process that answers each line of JSON with one. It ends when its input does, so none outlives the benchmark. */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;
  readonly #name: string;

  /**
   * @param script A file of this folder.
   * @param spec What the process is told as its only argument.
   */
  constructor(script: string, spec: unknown, { flags = [] }: ChildOptions = {}) {
    this.#name = `${script} ${JSON.stringify(spec)}`;
    const url = new URL(script, import.meta.url);
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-prompt", ...flags, url.href, JSON.stringify(spec)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = lines(this.#process.stdout);
  }

  /** The next line that the process says. */
  async hear<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) {
      const { code } = await this.#process.status;
      throw new Error(`running ${this.#name}: it ended with code ${code}; its words, if any, are above`);
    }
    return JSON.parse(value) as T;
  }

  /** Asks, and waits for the answer. One question at a time. */
  async ask<T>(question: unknown): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(question)}\n`)).catch(() => {});
    const answer = await this.hear<{ ok: T } | { error: string }>();
    if ("error" in answer) throw new Error(answer.error);
    return answer.ok;
  }

  /** Ends the process: by the end of its input, and if that does not do, by force. */
  async stop(): Promise<void> {
    await this.#writer.close().catch(() => {});
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#lines.return(undefined);
    await this.#process.status;
    clearTimeout(timer);
  }
}
