/**
 * Stacks on which guest code waits, beside the one that each isolate has: of threads that a guest makes, and of calls from one
 * component to another that do not end at once.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import { MAX_STACKS } from "../limits.ts";
import type { Task } from "../task.ts";

/**
 * The stacks of one process, of which a function may have half.
 *
 * @example
 * ```ts
 * import { Stacks } from "./stacks.ts";
 *
 * const stacks = new Stacks(4);
 * const giveBack = [stacks.take("busy"), stacks.take("busy")];
 * console.assert(stacks.take("busy") === undefined && stacks.take("quiet") !== undefined);
 * giveBack[0]!();
 * console.assert(stacks.take("busy") !== undefined);
 * ```
 */
export class Stacks {
  /** How many there may be. */
  readonly most: number;
  readonly #taken = new Map<string, number>();
  #all = 0;
  #refused = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#all;
  }

  /** How often there was none. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes one; `undefined` where there is none. The function that it answers with gives it back, and is called once. */
  take(name: string): (() => void) | undefined {
    const own = this.#taken.get(name) ?? 0;
    if (this.#all >= this.most || own >= this.most / 2) {
      this.#refused++;
      return undefined;
    }
    this.#all++;
    this.#taken.set(name, own + 1);
    return () => {
      this.#all--;
      const left = this.#taken.get(name)! - 1;
      if (left === 0) this.#taken.delete(name);
      else this.#taken.set(name, left);
    };
  }
}

/** Those of this process. */
export const stacks: Stacks = new Stacks(MAX_STACKS);

/**
 * Calls guest code on a stack of its own, for as long as that runs or waits.
 *
 * @param call A function by `WebAssembly.promising`.
 * @throws {SkerryError} `overloaded`
 */
export function onStack<A extends unknown[], T>(task: Task, call: (...args: A) => Promise<T>, ...args: A): Promise<T> {
  const giveBack = stacks.take(task.function);
  if (giveBack === undefined) {
    // Not as `subtasks`: more of those would not help.
    task.countLimit("process.stacks");
    throw new SkerryError(
      "overloaded",
      `running ${task.function}: calls and threads inside its isolates wait on as many stacks as there may be, ` +
        `${MAX_STACKS} in the process and half of them for one function`,
    );
  }
  const running = call(...args);
  running.then(giveBack, giveBack);
  return running;
}
