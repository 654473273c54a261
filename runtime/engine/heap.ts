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

/** What an array takes at most, and what most take at least, of which a unit is paid: an element, or eight small ones. */
const MOST_UNIT_BYTES = 16, LEAST_UNIT_BYTES = 8;

/** What a single array may take beyond the guest's limit: it is made at once, and what else is paid may look like one. */
const ARRAY_MB = 128;

const MB = 1024 * 1024;

/**
 * Of the heap that V8 allows itself: from here on every guest that looks is watched, whatever its code can do. Handles stand
 * for objects of the host, and a few guests that hold all they may could fill the heap together.
 */
const WATCHED_FROM = 0.5;

/** What a guest that makes no objects of its own may have added to a heap that is nearly full, before it has to go. */
const MOST_WHEN_FULL_MB = 64;

/** How long what is known of the heap holds good enough, in milliseconds: asking takes some microseconds. */
const KNOWN_FOR_MS = 5;

const known = { at: -Infinity, tight: false };

/** Whether so much of the heap is used that whoever runs should be watched. */
export function isHeapTight(now: number, statistics: () => HeapStatistics = getHeapStatistics): boolean {
  if (now - known.at < KNOWN_FOR_MS) return known.tight;
  const { used_heap_size: used, heap_size_limit: limit } = statistics();
  known.at = now;
  return known.tight = used > limit * WATCHED_FROM;
}

/** Of what Node says of the heap, what matters here. */
export interface HeapStatistics {
  readonly used_heap_size: number;
  readonly heap_size_limit: number;
}

/**
 * V8 leaves garbage until there is as much again as is alive, or some hundred megabytes: so far above its limit a guest
 * may be that keeps to it.
 */
const GARBAGE_FACTOR = 2, GARBAGE_MB = 512;

/** What one isolate takes. It is told when the isolate's code runs. */
export class HeapUse {
  #bytes = 0;
  #last: number | undefined;
  readonly makesObjects: boolean;
  readonly #statistics: () => HeapStatistics;

  /** @param makesObjects Whether its code makes objects itself; otherwise the host makes what it holds. */
  constructor(makesObjects = true, statistics: () => HeapStatistics = getHeapStatistics) {
    this.makesObjects = makesObjects;
    this.#statistics = statistics;
  }

  start(): void {
    const used = this.#statistics().used_heap_size;
    // What others have made meanwhile is not its own; what was collected may have been.
    if (this.#last !== undefined && used < this.#last) this.#count(used);
    this.#last = used;
  }

  stop(): void {
    this.#count(this.#statistics().used_heap_size);
  }

  #count(used: number): void {
    this.#bytes = Math.max(0, this.#bytes + used - this.#last!);
    this.#last = used;
  }

  /**
   * Looks how much there is, while the isolate's code runs.
   *
   * @param debt what it is about to pay: a unit or more for each element of an array that it makes then, or for eight small ones
   * @returns why it must end, if it must
   */
  look(memoryMb: number, debt: number): string | undefined {
    const { used_heap_size: used, heap_size_limit: limit } = this.#statistics();
    this.#count(used);
    if (!this.makesObjects) {
      if (used <= limit * MOST_OF_HEAP || this.#bytes <= MOST_WHEN_FULL_MB * MB) return undefined;
      return `there is no room for what it holds: ${Math.round(used / MB)} of the process's ${
        Math.round(limit / MB)
      } MiB are used, and it has added ${Math.round(this.#bytes / MB)}`;
    }
    if (this.#bytes > (memoryMb * GARBAGE_FACTOR + GARBAGE_MB) * MB) {
      return `its objects take ${Math.ceil(this.#bytes / MB)} MiB (limits.memoryMb is ${memoryMb})`;
    }
    if (debt * LEAST_UNIT_BYTES > (memoryMb + ARRAY_MB) * MB) {
      const arrayMb = Math.ceil(debt * LEAST_UNIT_BYTES / MB);
      return `it makes an array of some ${arrayMb} MiB at once (limits.memoryMb is ${memoryMb})`;
    }
    if (used + Math.max(0, debt) * MOST_UNIT_BYTES > limit * MOST_OF_HEAP) {
      return `there is no room for its objects: ${Math.round(used / MB)} of the process's ${
        Math.round(limit / MB)
      } MiB are used`;
    }
    return undefined;
  }
}
