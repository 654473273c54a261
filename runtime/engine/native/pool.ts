/**
 * Core instances that have been put back into their first state, for the next isolates of their component.
 *
 * @module
 */
import type { Plan } from "./plan.ts";
import { type StateNames, stateNames } from "./restorable.ts";

/** Instances kept for one component, so that a burst of requests does not stay in memory for good. */
export const MAX_POOLED = 64;
/** Bytes of memories kept for one component. */
export const MAX_POOLED_BYTES = 64 * 1024 * 1024;

/** Memory is compared and kept in pieces of this size. */
const PAGE_BYTES = 4096;

/** The exports of an isolate's core instances, by their index; those not made yet are missing. */
export type CoreExports = (WebAssembly.Exports | undefined)[];

/** What a memory holds at first: its length, and those parts that are not zero. */
interface MemoryImage {
  readonly bytes: number;
  readonly parts: readonly { readonly at: number; readonly data: Uint8Array }[];
}

interface InstanceImage {
  readonly names: StateNames;
  readonly memories: readonly MemoryImage[];
  readonly globals: readonly (number | bigint)[];
}

/** The pool of one linked component. */
export class InstancePool {
  readonly #names: readonly StateNames[];
  readonly #images: (InstanceImage | undefined)[];
  readonly #free: CoreExports[] = [];
  #bytes = 0;
  #refused = false;

  constructor(plan: Plan) {
    this.#names = plan.instances.map(({ module }) => stateNames(plan.modules[module]!));
    this.#images = plan.instances.map(() => undefined);
  }

  /** Restored instances, or `undefined` when there are none. */
  take(): CoreExports | undefined {
    const exports = this.#free.pop();
    if (exports !== undefined) this.#bytes -= sizeOf(exports, this.#names);
    return exports;
  }

  /** Remembers the first state of instances that have just been made, if it does not know it yet. */
  made(exports: CoreExports): void {
    exports.forEach((made, index) => {
      if (made === undefined || this.#images[index] !== undefined) return;
      const image = this.#images[index] = imageOf(made, this.#names[index]!);
      // JavaScript has one NaN, WebAssembly many: such a value could not be put back as it was.
      if (image.globals.some((value) => typeof value === "number" && Number.isNaN(value))) this.#refused = true;
    });
  }

  /** Puts instances back into their first state and keeps them; those that cannot be are forgotten. */
  give(exports: CoreExports): void {
    if (this.#refused || this.#free.length >= MAX_POOLED) return;
    const bytes = sizeOf(exports, this.#names);
    if (this.#bytes + bytes > MAX_POOLED_BYTES) return;
    for (let i = 0; i < exports.length; i++) {
      const made = exports[i];
      if (made !== undefined && !restore(made, this.#images[i]!)) return;
    }
    this.#bytes += bytes;
    this.#free.push(exports);
  }

  get size(): number {
    return this.#free.length;
  }
}

function sizeOf(exports: CoreExports, names: readonly StateNames[]): number {
  let bytes = 0;
  exports.forEach((made, index) => {
    if (made === undefined) return;
    for (const name of names[index]!.memories) bytes += (made[name] as WebAssembly.Memory).buffer.byteLength;
  });
  return bytes;
}

function imageOf(exports: WebAssembly.Exports, names: StateNames): InstanceImage {
  return {
    names,
    memories: names.memories.map((name) => memoryImage((exports[name] as WebAssembly.Memory).buffer as ArrayBuffer)),
    globals: names.globals.map((name) => (exports[name] as WebAssembly.Global).value as number | bigint),
  };
}

function memoryImage(buffer: ArrayBuffer): MemoryImage {
  const parts: { at: number; data: Uint8Array }[] = [];
  const words = new BigUint64Array(buffer);
  const wordsInPage = PAGE_BYTES / 8;
  let from: number | undefined;
  for (let page = 0; page * wordsInPage <= words.length; page++) {
    const zero = page * wordsInPage === words.length ||
      words.subarray(page * wordsInPage, (page + 1) * wordsInPage).every((word) => word === 0n);
    if (!zero) from ??= page;
    else if (from !== undefined) {
      parts.push({ at: from * PAGE_BYTES, data: new Uint8Array(buffer.slice(from * PAGE_BYTES, page * PAGE_BYTES)) });
      from = undefined;
    }
  }
  return { bytes: buffer.byteLength, parts };
}

/** Writes the first state back. Answers whether that is possible: a memory that has grown cannot shrink again. */
function restore(exports: WebAssembly.Exports, { names, memories, globals }: InstanceImage): boolean {
  for (let i = 0; i < memories.length; i++) {
    const { bytes, parts } = memories[i]!;
    const { buffer } = exports[names.memories[i]!] as WebAssembly.Memory;
    if (buffer.byteLength !== bytes) return false;
    const view = new Uint8Array(buffer);
    let end = 0;
    for (const { at, data } of parts) {
      if (at > end) view.fill(0, end, at);
      view.set(data, at);
      end = at + data.length;
    }
    view.fill(0, end);
  }
  for (let i = 0; i < globals.length; i++) {
    (exports[names.globals[i]!] as WebAssembly.Global).value = globals[i]!;
  }
  return true;
}
