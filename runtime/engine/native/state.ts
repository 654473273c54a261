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
  readonly threads: HandleTable;

  constructor(index: number, lineage: readonly number[], task: Task) {
    this.handles = new HandleTable(task);
    this.threads = new HandleTable(task);
    this.index = index;
    this.lineage = lineage;
  }
}
