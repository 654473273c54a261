/**
 * What a guest's objects take in the host's heap.
 *
 * WebAssembly's structs and arrays lie in the heap of JavaScript, which no maximum of a guest bounds: whoever fills it ends
 * the process. How much is a guest's own nobody can say, so what the heap grows by while the guest runs is taken for it,
 * less what has been collected since. It is looked at whenever the guest's fuel runs out, and before an array is made that
 * would take more than is left of it.
 *
 * @module
 */
import { getHeapStatistics } from "node:v8";

/**
 * What guests that allocate are granted at once. An object is paid for by its fields and elements, a unit or more for each:
 * so less than a megabyte is made between two looks. What is made before any code runs is bounded by
 * `MAX_CONSTANT_BYTES`.
 */
export const MOST_FUEL = 50_000;

/** Of the heap that V8 allows itself: when it has used all of it, it ends the process. */
const MOST_OF_HEAP = 0.75;

/** What an element of an array takes at most. */
const ELEMENT_BYTES = 16;

const MB = 1024 * 1024;

/**
 * V8 leaves garbage until there is as much again as is alive, or some hundred megabytes: so far above its limit a guest
 * may be that keeps to it.
 */
const GARBAGE_FACTOR = 2, GARBAGE_MB = 512;

/** What one isolate takes. It is told when the isolate's code runs. */
export class HeapUse {
  #bytes = 0;
  #last: number | undefined;

  start(): void {
    const used = getHeapStatistics().used_heap_size;
    // What others have made meanwhile is not its own; what was collected may have been.
    if (this.#last !== undefined && used < this.#last) this.#count(used);
    this.#last = used;
  }

  stop(): void {
    this.#count(getHeapStatistics().used_heap_size);
  }

  #count(used: number): void {
    this.#bytes = Math.max(0, this.#bytes + used - this.#last!);
    this.#last = used;
  }

  /**
   * Looks how much there is, while the isolate's code runs.
   *
   * @param debt what it is about to pay: a unit or more for each element of an array that it makes then
   * @returns why it must end, if it must
   */
  look(memoryMb: number, debt: number): string | undefined {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    this.#count(used);
    if (this.#bytes > (memoryMb * GARBAGE_FACTOR + GARBAGE_MB) * MB) {
      return `its objects take ${Math.ceil(this.#bytes / MB)} MiB (limits.memoryMb is ${memoryMb})`;
    }
    if (used + Math.max(0, debt) * ELEMENT_BYTES > limit * MOST_OF_HEAP) {
      return `there is no room for its objects: ${Math.round(used / MB)} of the process's ${
        Math.round(limit / MB)
      } MiB are used`;
    }
    return undefined;
  }
}
