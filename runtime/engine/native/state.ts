/**
 * What the Component Model keeps for a component instance in one isolate.
 *
 * @module
 */
import type { TaskThread } from "./async/task.ts";
import type { InstanceState } from "./context.ts";
import type { Task } from "../../task.ts";
import { HandleTable } from "./resources.ts";

/** `ComponentInstance` of CanonicalABI.md. */
export class ComponentState implements InstanceState {
  readonly index: number;
  /** Itself and those around it. */
  readonly lineage: readonly number[];
  readonly handles: HandleTable;
  mayEnter = true;
  mayLeave = true;
  /** From here on, for components that use async. */
  backpressure = 0;
  waitingToEnter = 0;
  exclusive: TaskThread | undefined = undefined;
  #threads: HandleTable | undefined;
  #task: Task;

  constructor(index: number, lineage: readonly number[], task: Task) {
    this.handles = new HandleTable(task);
    this.index = index;
    this.lineage = lineage;
    this.#task = task;
  }

  get threads(): HandleTable {
    return this.#threads ??= new HandleTable(this.#task);
  }

  /** Makes it as it was made, for another task. */
  begin(task: Task): void {
    this.mayEnter = this.mayLeave = true;
    this.backpressure = this.waitingToEnter = 0;
    this.exclusive = this.#threads = undefined;
    this.#task = task;
    this.handles.begin(task);
  }
}
