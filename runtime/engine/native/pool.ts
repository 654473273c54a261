/**
 * Core instances that have been put back into their first state, for the next isolates of their component.
 *
 * @module
 */
import type { CoreItem, Plan } from "./plan.ts";
import { Writes } from "./context.ts";
import { LOWEST, SPAN, type StateNames, stateNames } from "./restorable.ts";
import { NO_SLACK, ownerOfMemory, PAGES, type SlackPlan } from "./slack.ts";
import { MAX_STORE_BYTES } from "./track.ts";

/** Instances kept for one component, so that a burst of requests does not stay in memory for good. */
export const MAX_POOLED = 64;
/** Bytes of memories kept for one component. */
export const MAX_POOLED_BYTES = 64 * 1024 * 1024;

/** Memory is compared and kept in pieces of this size. */
const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65_536;

/** The exports of an isolate's core instances, by their index; those not made yet are missing. */
export type CoreExports = (WebAssembly.Exports | undefined)[];

/** What a memory holds at first: its length, what of it is not slack, and those parts that are not zero. */
interface MemoryImage {
  readonly bytes: number;
  readonly declared: number;
  readonly parts: readonly { readonly at: number; readonly data: Uint8Array }[];
}

interface InstanceImage {
  readonly memories: readonly MemoryImage[];
  readonly globals: readonly (number | bigint)[];
}

/** The pool of one linked component. */
export class InstancePool {
  readonly #names: readonly StateNames[];
  /** For each instance, the instances that write to its memory, if all of them keep note of where; otherwise nothing. */
  readonly #writers: readonly (readonly number[] | undefined)[];
  readonly #images: (InstanceImage | undefined)[];
  readonly #free: CoreExports[] = [];
  /** For each context, the apparent size of a memory that has slack. */
  readonly #pages: readonly (CoreItem & { readonly kind: "export" } | undefined)[];
  /** How much of its memories' slack each set of instances has ever used: what has not been is no memory yet. */
  readonly #slackUsed = new WeakMap<CoreExports, number>();
  #bytes = 0;
  #refused = false;

  /** @param plan with its modules before they were prepared */
  constructor(plan: Plan, slack: SlackPlan = NO_SLACK) {
    this.#names = plan.instances.map(({ module }) => stateNames(plan.modules[module]!, slack.get(module)));
    this.#pages = plan.contexts.map(({ memory }) => {
      if (memory?.kind !== "export") return undefined;
      const { shape } = plan.modules[plan.instances[memory.instance]!.module]!;
      const owner = ownerOfMemory(plan, memory.instance, shape.exportIndices.get(memory.name)!.index);
      if (slack.get(plan.instances[owner]!.module)?.kind !== "own") return undefined;
      return { kind: "export", instance: owner, name: PAGES, sort: "global" };
    });
    this.#writers = writersOf(plan, this.#names);
    this.#images = plan.instances.map(() => undefined);
  }

  /** Restored instances, or `undefined` when there are none. */
  take(): CoreExports | undefined {
    const exports = this.#free.pop();
    if (exports !== undefined) this.#bytes -= this.#sizeOf(exports);
    return exports;
  }

  /** What has the apparent size, in pages, of the memory of a context, if that is not the real one. */
  pagesOf(context: number): CoreItem & { readonly kind: "export" } | undefined {
    return this.#pages[context];
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
  give(exports: CoreExports, writes: ReadonlyMap<WebAssembly.Memory, Writes>): void {
    if (this.#refused || this.#free.length >= MAX_POOLED) return;
    for (let i = 0; i < exports.length; i++) if (!this.#restoreMemories(i, exports, writes)) return;
    const bytes = this.#sizeOf(exports);
    if (this.#bytes + bytes > MAX_POOLED_BYTES) return;
    // Not before: they say where the memories were written to.
    for (let i = 0; i < exports.length; i++) this.#restoreGlobals(i, exports);
    this.#bytes += bytes;
    this.#free.push(exports);
  }

  /** Answers whether that is possible: a memory that has grown cannot shrink again. */
  #restoreMemories(index: number, exports: CoreExports, writes: ReadonlyMap<WebAssembly.Memory, Writes>): boolean {
    const made = exports[index];
    if (made === undefined) return true;
    const { memories } = this.#images[index]!;
    let slackUsed = 0;
    for (let i = 0; i < memories.length; i++) {
      const image = memories[i]!;
      const memory = made[this.#names[index]!.memories[i]!] as WebAssembly.Memory;
      if (memory.buffer.byteLength !== image.bytes) return false;
      const written = this.#written(index, exports, writes.get(memory));
      const highest = Math.min(written.highest, image.bytes);
      restore(memory, image, written.lowest, highest);
      if (highest > image.declared) slackUsed += highest - image.declared;
    }
    if (slackUsed > (this.#slackUsed.get(exports) ?? 0)) this.#slackUsed.set(exports, slackUsed);
    return true;
  }

  /** Between which addresses the memory of an instance has been written to. */
  #written(index: number, exports: CoreExports, byHost: Writes | undefined): Writes {
    const all = new Writes();
    const writers = this.#writers[index];
    if (writers === undefined) all.note(0, Infinity);
    else {
      if (byHost !== undefined) all.note(byHost.lowest, byHost.highest - byHost.lowest);
      for (const writer of writers) {
        const made = exports[writer];
        if (made === undefined) continue;
        const lowest = (made[LOWEST] as WebAssembly.Global).value as number;
        if (lowest === -1) continue;
        all.note(lowest >>> 0, (((made[SPAN] as WebAssembly.Global).value as number) >>> 0) + MAX_STORE_BYTES);
      }
    }
    return all;
  }

  #restoreGlobals(index: number, exports: CoreExports): void {
    const made = exports[index];
    if (made === undefined) return;
    const { globals, tracked } = this.#names[index]!;
    const values = this.#images[index]!.globals;
    for (let i = 0; i < globals.length; i++) (made[globals[i]!] as WebAssembly.Global).value = values[i]!;
    if (!tracked) return;
    (made[LOWEST] as WebAssembly.Global).value = -1;
    (made[SPAN] as WebAssembly.Global).value = 0;
  }

  #sizeOf(exports: CoreExports): number {
    let bytes = this.#slackUsed.get(exports) ?? 0;
    exports.forEach((made, index) => {
      if (made === undefined) return;
      for (const memory of this.#images[index]!.memories) bytes += memory.declared;
    });
    return bytes;
  }

  get size(): number {
    return this.#free.length;
  }
}

function imageOf(exports: WebAssembly.Exports, names: StateNames): InstanceImage {
  return {
    memories: names.memories.map((name) => {
      const buffer = (exports[name] as WebAssembly.Memory).buffer as ArrayBuffer;
      const pages = exports[PAGES] as WebAssembly.Global | undefined;
      return memoryImage(buffer, pages === undefined ? buffer.byteLength : pages.value * WASM_PAGE_BYTES);
    }),
    globals: names.globals.map((name) => (exports[name] as WebAssembly.Global).value as number | bigint),
  };
}

function memoryImage(buffer: ArrayBuffer, declared: number): MemoryImage {
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
  return { bytes: buffer.byteLength, declared, parts };
}

/** Writes the first state back between two addresses. */
function restore(memory: WebAssembly.Memory, { parts }: MemoryImage, from: number, to: number): void {
  if (from >= to) return;
  const view = new Uint8Array(memory.buffer);
  let at = from;
  for (const part of parts) {
    const end = part.at + part.data.length;
    if (end <= at) continue;
    if (part.at >= to) break;
    if (part.at > at) view.fill(0, at, part.at);
    const start = Math.max(at, part.at);
    const stop = Math.min(to, end);
    view.set(part.data.subarray(start - part.at, stop - part.at), start);
    at = stop;
  }
  if (at < to) view.fill(0, at, to);
}

/** For each instance with a memory of its own, who writes to it: `undefined` when somebody does not keep note. */
function writersOf(plan: Plan, names: readonly StateNames[]): (number[] | undefined)[] {
  const writers: (number[] | undefined)[] = plan.instances.map(() => []);
  plan.instances.forEach(({ elided, module }, index) => {
    const { shape } = plan.modules[module]!;
    if (elided || shape.memories.length === 0 || !shape.sections.has(10)) return;
    // What tracks has one memory; of the rest it is not known which of theirs they write to.
    if (names[index]!.tracked) writers[ownerOfMemory(plan, index, 0)]?.push(index);
    else shape.memories.forEach((_, memory) => writers[ownerOfMemory(plan, index, memory)] = undefined);
  });
  return writers;
}
