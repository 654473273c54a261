/**
 * What functions use of what they may: counted in development, for `deno task inspect`.
 *
 * @module
 */
import type { Task } from "./task.ts";

/** What a function imports, was granted, and has used so far. As JSON, what a server in development tells about it. */
export interface FunctionReport {
  readonly name: string;
  /** The manifest's file. */
  readonly file: string;
  /** The interfaces that its component imports, with what it takes from each; `null` while there is no good version. */
  readonly imports: readonly { readonly name: string; readonly functions: readonly string[] }[] | null;
  /** The capabilities that it was granted, without their parameters: secrets are among those. */
  readonly granted: readonly string[];
  /** Why its newest version does not serve. */
  readonly problem: string | null;
  /** How many requests and calls it has served. */
  readonly requests: number;
  /** How often it called each host function, by the interface without its version: `wasi:io/poll#poll`. */
  readonly used: Readonly<Record<string, number>>;
}

/**
 * Counts the host calls of tasks, by function.
 *
 * @example
 * ```ts
 * import { Task } from "./task.ts";
 * import { Usage } from "./usage.ts";
 *
 * const usage = new Usage();
 * const task = new Task({ function: "hello" });
 * task.countCall("wasi:io/poll#poll");
 * usage.add(task);
 * console.assert(usage.of("hello").requests === 1 && usage.of("hello").used["wasi:io/poll#poll"] === 1);
 * ```
 */
export class Usage {
  readonly #functions = new Map<string, { requests: number; readonly calls: Map<string, number> }>();

  /** Adds what a task that has ended has called. */
  add({ function: name, calls }: Pick<Task, "function" | "calls">): void {
    let known = this.#functions.get(name);
    if (known === undefined) this.#functions.set(name, known = { requests: 0, calls: new Map() });
    known.requests++;
    for (const [call, count] of calls) known.calls.set(call, (known.calls.get(call) ?? 0) + count);
  }

  of(name: string): Pick<FunctionReport, "requests" | "used"> {
    const known = this.#functions.get(name);
    return { requests: known?.requests ?? 0, used: Object.fromEntries(known?.calls ?? []) };
  }
}
