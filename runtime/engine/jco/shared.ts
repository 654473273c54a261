/**
 * What hoisted code of one linked component calls, whichever of its isolates runs.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import { type IsolateHooks, suspendingBy } from "./hooks.ts";
import type { InstanceState, Shared } from "./hoist.ts";

type State = InstanceState<IsolateHooks>;

/** Finds the isolate that runs by the task that runs: a task has one of a component at a time. */
export class SharedHooks implements Shared<IsolateHooks> {
  readonly #name: string;
  /** Kept as long as the task: what is unwound after the end still asks. */
  readonly #states = new WeakMap<Task, State>();
  readonly WebAssembly: typeof WebAssembly;

  constructor(name: string) {
    this.#name = name;
    const hooks = () => this.state()._skerry;
    this.WebAssembly = Object.create(WebAssembly, {
      Suspending: { value: suspendingBy((result) => hooks().suspending(result)) },
      promising: { get: () => hooks().code.promising },
    });
  }

  readonly state = (): State => {
    const state = this.#states.get(currentTask());
    if (state !== undefined) return state;
    throw new SkerryError("internal", `calling ${this.#name}: the task that runs has no isolate of it`);
  };

  begin(state: State): void {
    const { task } = state._skerry;
    const before = this.#states.get(task);
    if (before !== undefined && !before._skerry.over) {
      throw new SkerryError(
        "internal",
        `instantiate of ${this.#name}: its task has an isolate of it already, and on the jco engine may have one at a time`,
      );
    }
    this.#states.set(task, state);
  }
}
