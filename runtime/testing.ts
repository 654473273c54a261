/**
 * For tests of capabilities: one capability, linked, and tasks to call its host functions in.
 *
 * @module
 */
import type { Capability } from "./capability.ts";
import { member, readWit } from "./capabilities/_wit.ts";
import { withTask } from "./context.ts";
import type { HostImports, InterfaceName } from "./engine/mod.ts";
import { Host } from "./host.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { LogRecord } from "./log.ts";
import { Task } from "./task.ts";

export { WitError } from "./errors.ts";
export type { LogRecord, Task };

/** Whose capability it is to be. */
export interface TestOptions {
  /** The parameters of the grant, as in `function.json`. Default: `{}`. */
  readonly grant?: unknown;
  /** The function's name. Default: `test`. */
  readonly function?: string;
  /** The function's folder. Default: the working directory. */
  readonly directory?: string;
  /** The function's `env`. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Limits that differ from the defaults. */
  readonly limits?: Readonly<Partial<Limits>>;
}

/** A capability as one function has it. */
export interface LinkedCapability {
  readonly host: HostImports;
  /** What was logged, in all tasks so far. */
  readonly records: readonly LogRecord[];
  /**
   * Runs `body` in a task of its own, as a request would: `currentTask()`, `taskLocal()`, deadline and log are the task's,
   * and it ends when `body` has. Resolves to what `body` returns.
   */
  inTask<T>(body: (task: Task) => T | Promise<T>): Promise<T>;
  /** The host's implementation of an interface, typed as you say: by types made from its WIT, or by hand. */
  use<Interface>(name: InterfaceName): Interface;
  /** What a text of WIT has that the host lacks: functions and resources, by their WIT names. Empty when all is there. */
  missing(wit: string): string[];
}

/**
 * Links `capability` for a function of a test, and gives its host functions to be called without a guest.
 *
 * @throws {SkerryError} `grant-invalid`, as a function with such a grant would be refused.
 *
 * @example
 * ```ts
 * import { stopwatch } from "../components/stopwatch/capability.ts";
 * import { linkForTest } from "./testing.ts";
 *
 * interface Stopwatch {
 *   requestId(): string;
 *   report(): string[];
 *   readonly Lap: new (label: string) => { stop(): Promise<number> };
 * }
 * const linked = await linkForTest(stopwatch);
 * const { Lap, report, requestId } = linked.use<Stopwatch>("example:stopwatch/stopwatch@0.1.0");
 * await linked.inTask(async (task) => {
 *   await new Lap("reading").stop();
 *   console.assert(report().length === 1 && requestId() === task.id);
 * });
 * await linked.inTask(() => console.assert(report().length === 0)); // Another request, other laps.
 * ```
 */
export async function linkForTest(capability: Capability, options: TestOptions = {}): Promise<LinkedCapability> {
  const { grant = {}, function: name = "test", directory = Deno.cwd(), env = {}, limits = {} } = options;
  const { name: key } = capability;
  const grants = new Host([capability]).checkGrants({ name, grants: { [key]: grant } });
  const store = await capability.open();
  const host = await capability.link({ function: name, directory, grant: grants.get(key), env, store });
  const lacking = capability.interfaces.filter((offered) => !(offered in host));
  if (lacking.length > 0) {
    throw new TypeError(`linking ${key}: it names ${lacking.join(", ")}, but link() does not give it`);
  }
  const records: LogRecord[] = [];
  return {
    host,
    records,
    async inTask(body) {
      const task = new Task({
        function: name,
        limits: { ...DEFAULT_LIMITS, ...limits },
        sink: (record) => records.push(record),
      });
      try {
        return await withTask(task, () => body(task));
      } finally {
        task.end();
      }
    },
    use<Interface>(interfaceName: InterfaceName): Interface {
      const found = host[interfaceName];
      if (found === undefined) {
        throw new TypeError(`${key} has no ${interfaceName}, but ${Object.keys(host).join(", ") || "nothing"}`);
      }
      return found as Interface;
    },
    missing(wit) {
      return readWit(wit).flatMap(({ name, functions, resources }) => {
        const offered = host[name];
        if (offered === undefined) return [name];
        const classes = resources.map((resource) => `[constructor]${resource}`);
        return [...new Set([...functions, ...classes])]
          .filter((wanted) => typeof member(offered, wanted) !== "function")
          .map((wanted) => `${name}#${wanted.replace(/^\[constructor\]/, "")}`);
      });
    },
  };
}
