/**
 * What metered guests hear when they want their memories and tables to grow: the function's limits decide, and then the
 * process's memory. The same for every engine.
 *
 * @module
 */
import type { Limits } from "../limits.ts";
import type { Task } from "../task.ts";
import { ASK_MEMORY, ASK_TABLE, REFUSED_MEMORY, REFUSED_TABLE } from "./meter/mod.ts";

/** The limits that it goes by. */
export type GrowthLimits = Pick<Limits, "memoryMb" | "tableElements">;

/** Answers of the `grow` hook, and of `wait` after it. */
export const GROW_REFUSED = 0, GROW_GRANTED = 1, GROW_WAITS = 2;

const PAGE_BYTES = 65_536;
const PAGES_PER_MB = 16;
/** What a table's element takes of the host's memory. */
const ELEMENT_BYTES = 16;

/** What one isolate has grown by. */
export class Growth {
  #pages = 0;
  #elements = 0;
  /** What the guest waits for. */
  #asked = { kind: ASK_MEMORY, delta: 0, total: 0 };

  /**
   * The `grow` hook: {@linkcode GROW_WAITS} only if `mayWait`; then {@linkcode wait} answers.
   *
   * @param pages What the isolate's memories began with, in pages, and its tables, in elements.
   */
  ask(
    { task, limits, pages, elements, mayWait }: {
      readonly task: Task;
      readonly limits: GrowthLimits;
      readonly pages: number;
      readonly elements: number;
      readonly mayWait: boolean;
    },
    kind: number,
    total: number,
    delta: number,
  ): number {
    const isMemory = kind === ASK_MEMORY || kind === REFUSED_MEMORY;
    if (
      kind === REFUSED_MEMORY || kind === REFUSED_TABLE ||
      !this.#within(limits, kind === ASK_TABLE ? elements : pages, kind, delta)
    ) {
      if (isMemory) task.meet("memoryMb", `${total * PAGE_BYTES} bytes and ${delta * PAGE_BYTES} more`);
      else task.meet("tableElements", `a table of ${total} elements and ${delta} more`);
      return GROW_REFUSED;
    }
    const { memory } = task;
    if (memory === undefined || memory.grow(bytesOf(kind, delta))) return this.#granted(kind, delta);
    this.#asked = { kind, delta, total };
    return mayWait ? GROW_WAITS : this.#refusedByProcess(task);
  }

  /** Sleeps until the process has room. Answers as {@linkcode ask} does. */
  async wait(task: Task): Promise<number> {
    const { kind, delta } = this.#asked;
    const granted = await task.memory!.waitToGrow(bytesOf(kind, delta));
    if (granted) return this.#granted(kind, delta);
    // Nobody is there to be told.
    return task.ended ? GROW_REFUSED : this.#refusedByProcess(task);
  }

  #within(limits: GrowthLimits, initial: number, kind: number, delta: number): boolean {
    if (kind === ASK_TABLE) return initial + this.#elements + delta <= limits.tableElements;
    return initial + this.#pages + delta <= limits.memoryMb * PAGES_PER_MB;
  }

  #granted(kind: number, delta: number): number {
    if (kind === ASK_TABLE) this.#elements += delta;
    else this.#pages += delta;
    return GROW_GRANTED;
  }

  #refusedByProcess(task: Task): number {
    const { kind, delta } = this.#asked;
    const limit = kind === ASK_TABLE ? "tableElements" : "memoryMb";
    if (task.countLimit(limit) === 1) {
      const message = `the process has no memory left (SKERRY_MEMORY_MB): refused ${bytesOf(kind, delta)} bytes more`;
      task.log("warn", message, "host", { limit });
    }
    return GROW_REFUSED;
  }
}

function bytesOf(kind: number, delta: number): number {
  return delta * (kind === ASK_TABLE ? ELEMENT_BYTES : PAGE_BYTES);
}
