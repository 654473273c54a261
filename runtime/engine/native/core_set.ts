/**
 * What an isolate hands on to the next one of its component: core instances, and the engine's own objects beside them.
 *
 * @module
 */
import type { Task } from "../../task.ts";
import { type Cx, Writes } from "./context.ts";
import { ComponentState } from "./state.ts";

/** The exports of an isolate's core instances, by their index; those not made yet are missing. */
export type CoreExports = (WebAssembly.Exports | undefined)[];

/** What of a plan says how much there is. */
interface Counts {
  readonly instances: readonly unknown[];
  readonly contexts: readonly unknown[];
}

export class CoreSet {
  readonly exports: CoreExports;
  /** Of the component's instances. */
  states: readonly ComponentState[] = [];
  /** By their index in the plan; made when they are needed. */
  readonly contexts: (Cx | undefined)[];
  /** What the engine has written into memories. */
  readonly writes: Map<WebAssembly.Memory, Writes> = new Map();
  /** How much of its memories' slack it has ever used, in bytes: what has not been used is no memory yet. */
  slackUsed = 0;
  /** What a pool counts it as. */
  bytes = 0;
  readonly #lineages: readonly (readonly number[])[];

  constructor({ instances, contexts }: Counts, lineages: readonly (readonly number[])[]) {
    this.exports = new Array(instances.length).fill(undefined);
    this.contexts = new Array(contexts.length).fill(undefined);
    this.#lineages = lineages;
  }

  /**
   * Begins to serve a task, with all beside the core instances as in the first one.
   *
   * @param anew Whether to make that anew: somebody may know what was.
   */
  begin(task: Task, anew: boolean): void {
    for (const writes of this.writes.values()) writes.clear();
    if (anew) {
      this.states = this.#lineages.map((lineage, index) => new ComponentState(index, lineage, task));
      this.contexts.fill(undefined);
    } else for (const state of this.states) state.begin(task);
  }

  /** @param notes Of who notes the pages of that memory that it writes to. */
  writesTo(memory: WebAssembly.Memory | undefined, notes?: WebAssembly.Memory): Writes {
    let writes = memory && this.writes.get(memory);
    if (writes === undefined) {
      writes = new Writes(notes && new Uint8Array(notes.buffer));
      if (memory !== undefined) this.writes.set(memory, writes);
    }
    return writes;
  }
}
