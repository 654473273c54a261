/**
 * Core instances that have been put back into their first state, for the next isolates of their component.
 *
 * @module
 */
import type { CoreItem, Plan } from "./plan.ts";
import { Writes } from "./context.ts";
import type { CoreSet } from "./core_set.ts";
import { LOWEST, type ModuleState, NOTES, type Restoring, SPAN } from "./restorable.ts";
import { ownerOfMemory, PAGES } from "./slack.ts";
import { MAX_STORE_BYTES, PAGE_SHIFT } from "./tracking.ts";

/** Instances kept for one component, so that a burst of requests does not stay in memory for good. */
export const MAX_POOLED = 64;
/** Bytes of memories kept for one component. */
export const MAX_POOLED_BYTES = 64 * 1024 * 1024;

/** Memory is compared and kept in pieces of this size. */
const PAGE_BYTES = 2 ** PAGE_SHIFT;
const WASM_PAGE_BYTES = 65_536;

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
  /** Whether what a component calls as it starts has been called in instances that come from here. */
  readonly startsOnce: boolean;
  /** By instance. */
  readonly #states: readonly ModuleState[];
  /** For each memory of each instance, where it may be other than zero at first; nothing if that is not known. */
  readonly #filled: readonly (readonly Ranges[])[];
  /** For each instance, the instances that write to its memory, if all of them keep note of where; otherwise nothing. */
  readonly #writers: readonly (readonly number[] | undefined)[];
  /** For each instance, who is the first that notes the pages of its memory that it writes to. */
  readonly #noting: readonly (number | undefined)[];
  readonly #images: (InstanceImage | undefined)[];
  readonly #free: CoreSet[] = [];
  /** For each context, the apparent size of a memory that has slack. */
  readonly #pages: readonly (CoreItem & { readonly kind: "export" } | undefined)[];
  /** For each context, the notes of the pages of its memory. */
  readonly #notes: readonly (CoreItem & { readonly kind: "export" } | undefined)[];
  /** Whether code has run when the first state is there. */
  readonly #codeRan: boolean;
  #bytes = 0;
  #refused = false;

  constructor(plan: Plan, { slack, startsOnce, states }: Restoring) {
    this.startsOnce = startsOnce;
    this.#codeRan = startsOnce ||
      plan.instances.some(({ elided, module }) => !elided && plan.modules[module]!.shape.startFunction !== undefined);
    this.#states = plan.instances.map(({ module }) => states[module]!);
    this.#filled = filledBy(plan, this.#states);
    this.#writers = writersOf(plan, this.#states);
    this.#noting = this.#writers.map((writers) => writers?.find((each) => this.#states[each]!.tracked === "pages"));
    const owners = plan.contexts.map(({ memory }) => {
      if (memory?.kind !== "export") return undefined;
      const { shape } = plan.modules[plan.instances[memory.instance]!.module]!;
      return ownerOfMemory(plan, memory.instance, shape.exportIndices.get(memory.name)!.index);
    });
    this.#pages = owners.map((owner) => {
      if (owner === undefined || slack.get(plan.instances[owner]!.module)?.kind !== "own") return undefined;
      return { kind: "export", instance: owner, name: PAGES, sort: "global" };
    });
    this.#notes = owners.map((owner) => {
      const noting = owner === undefined ? undefined : this.#noting[owner];
      return noting === undefined ? undefined : { kind: "export", instance: noting, name: NOTES, sort: "memory" };
    });
    this.#images = plan.instances.map(() => undefined);
  }

  /** Restored instances, or `undefined` when there are none. */
  take(): CoreSet | undefined {
    const core = this.#free.pop();
    if (core !== undefined) this.#bytes -= core.bytes;
    return core;
  }

  /** What has the apparent size, in pages, of the memory of a context, if that is not the real one. */
  pagesOf(context: number): CoreItem & { readonly kind: "export" } | undefined {
    return this.#pages[context];
  }

  /** Where the pages are noted that the engine writes to in the memory of a context, if pages are noted. */
  notesOf(context: number): CoreItem & { readonly kind: "export" } | undefined {
    return this.#notes[context];
  }

  /** Remembers the first state of instances that are in it, if it does not know it yet. */
  made({ exports }: CoreSet): void {
    exports.forEach((made, index) => {
      if (made === undefined || this.#images[index] !== undefined) return;
      const { lowest, highest } = this.#written(index, exports, undefined);
      const written: Ranges = this.#codeRan ? [{ at: lowest, end: highest }] : [];
      const filled = this.#filled[index]!.map((ranges) => ranges && [...ranges, ...written]);
      const image = this.#images[index] = imageOf(made, this.#states[index]!, filled);
      // JavaScript has one NaN, WebAssembly many: such a value could not be put back as it was.
      if (image.globals.some((value) => typeof value === "number" && Number.isNaN(value))) this.#refused = true;
    });
  }

  /** Puts instances back into their first state and keeps them; those that cannot be are forgotten. */
  give(core: CoreSet): void {
    if (this.#refused || this.#free.length >= MAX_POOLED) return;
    const { exports } = core;
    for (let i = 0; i < exports.length; i++) if (!this.#restoreMemories(i, core)) return;
    core.bytes = this.#sizeOf(core);
    if (this.#bytes + core.bytes > MAX_POOLED_BYTES) return;
    // Not before: they say where the memories were written to.
    for (let i = 0; i < exports.length; i++) this.#restoreGlobals(i, exports);
    this.#bytes += core.bytes;
    this.#free.push(core);
  }

  /** Answers whether that is possible: a memory that has grown cannot shrink again. */
  #restoreMemories(index: number, core: CoreSet): boolean {
    const { exports } = core;
    const made = exports[index];
    if (made === undefined) return true;
    const { memories } = this.#images[index]!;
    let slackUsed = 0;
    for (let i = 0; i < memories.length; i++) {
      const image = memories[i]!;
      const memory = made[this.#states[index]!.memories[i]!] as WebAssembly.Memory;
      if (memory.buffer.byteLength !== image.bytes) return false;
      const highest = this.#restoreMemory(index, core, memory, image);
      if (highest > image.declared) slackUsed += highest - image.declared;
    }
    if (slackUsed > core.slackUsed) core.slackUsed = slackUsed;
    return true;
  }

  /** Answers where the last of what has been written to ends. */
  #restoreMemory(index: number, core: CoreSet, memory: WebAssembly.Memory, image: MemoryImage): number {
    const noting = this.#noting[index];
    if (noting !== undefined && core.exports[noting] !== undefined) {
      return this.#restorePages(index, core, memory, image);
    }
    const { lowest, highest } = this.#written(index, core.exports, core.writes.get(memory));
    const end = Math.min(highest, image.bytes);
    restore(memory, image, lowest, end);
    return end;
  }

  /** Between which addresses the memory of an instance has been written to. */
  #written(index: number, exports: CoreSet["exports"], byHost: Writes | undefined): Writes {
    const all = new Writes();
    const writers = this.#writers[index];
    if (writers === undefined) all.note(0, Infinity);
    else {
      if (byHost !== undefined) all.note(byHost.lowest, byHost.highest - byHost.lowest);
      for (const writer of writers) {
        const made = exports[writer];
        if (made === undefined) continue;
        const { lowest, highest } = this.#states[writer]!.tracked === "pages" ? pagesIn(made) : rangeIn(made);
        if (lowest < highest) all.note(lowest, highest - lowest);
      }
    }
    return all;
  }

  /** Restores the pages that have been written to, and forgets which they were. Answers where the last of them ends. */
  #restorePages(index: number, { exports }: CoreSet, memory: WebAssembly.Memory, image: MemoryImage): number {
    // Where one notes pages, all do: see `trackingsOf`.
    const all = this.#writers[index]!.filter((writer) => exports[writer] !== undefined)
      .map((writer) => notesIn(exports[writer]!, image.bytes));
    const [notes, ...others] = all as [Uint8Array, ...Uint8Array[]];
    for (const other of others) {
      for (let page = other.indexOf(1); page >= 0; page = other.indexOf(1, page + 1)) notes[page] = 1;
    }
    let end = 0;
    for (let page = notes.indexOf(1); page >= 0; page = notes.indexOf(1, page)) {
      const from = page * PAGE_BYTES;
      while (notes[page] === 1) page++;
      // The last store on a page may have written to the next.
      end = Math.min(page * PAGE_BYTES + MAX_STORE_BYTES, image.bytes);
      restore(memory, image, from, end);
    }
    for (const each of all) each.fill(0);
    return end;
  }

  #restoreGlobals(index: number, exports: CoreSet["exports"]): void {
    const made = exports[index];
    if (made === undefined) return;
    const { globals, tracked } = this.#states[index]!;
    const values = this.#images[index]!.globals;
    for (let i = 0; i < globals.length; i++) (made[globals[i]!] as WebAssembly.Global).value = values[i]!;
    if (tracked !== "range") return;
    (made[LOWEST] as WebAssembly.Global).value = -1;
    (made[SPAN] as WebAssembly.Global).value = 0;
  }

  #sizeOf({ exports, slackUsed }: CoreSet): number {
    let bytes = slackUsed;
    for (let i = 0; i < exports.length; i++) {
      if (exports[i] === undefined) continue;
      for (const memory of this.#images[i]!.memories) bytes += memory.declared;
    }
    return bytes;
  }

  get size(): number {
    return this.#free.length;
  }
}

/** Between which addresses a module has written that keeps note of them. */
function rangeIn(exports: WebAssembly.Exports): { lowest: number; highest: number } {
  const lowest = (exports[LOWEST] as WebAssembly.Global).value as number;
  if (lowest === -1) return { lowest: 0, highest: 0 };
  const span = ((exports[SPAN] as WebAssembly.Global).value as number) >>> 0;
  return { lowest: lowest >>> 0, highest: (lowest >>> 0) + span + MAX_STORE_BYTES };
}

/** A byte for each of the first pages of a memory, by a module that keeps note of them: 1 where it has written. */
function notesIn(exports: WebAssembly.Exports, bytes?: number): Uint8Array {
  const { buffer } = exports[NOTES] as WebAssembly.Memory;
  return new Uint8Array(buffer, 0, bytes === undefined ? buffer.byteLength : Math.ceil(bytes / PAGE_BYTES));
}

/** Between which addresses the pages lie that a module has noted. */
function pagesIn(exports: WebAssembly.Exports): { lowest: number; highest: number } {
  const notes = notesIn(exports);
  const first = notes.indexOf(1);
  if (first < 0) return { lowest: 0, highest: 0 };
  return { lowest: first * PAGE_BYTES, highest: (notes.lastIndexOf(1) + 1) * PAGE_BYTES + MAX_STORE_BYTES };
}

/** Parts of a memory; nothing if it may be all of it. */
type Ranges = readonly { readonly at: number; readonly end: number }[] | undefined;

function imageOf(exports: WebAssembly.Exports, state: ModuleState, filled: readonly Ranges[]): InstanceImage {
  return {
    memories: state.memories.map((name, i) => {
      const buffer = (exports[name] as WebAssembly.Memory).buffer as ArrayBuffer;
      const pages = exports[PAGES] as WebAssembly.Global | undefined;
      const declared = pages === undefined ? buffer.byteLength : pages.value * WASM_PAGE_BYTES;
      return { bytes: buffer.byteLength, declared, parts: partsOf(buffer, filled[i]) };
    }),
    globals: state.globals.map((name) => (exports[name] as WebAssembly.Global).value as number | bigint),
  };
}

/** Copies what is not zero, in ascending order. */
function partsOf(buffer: ArrayBuffer, filled: Ranges): MemoryImage["parts"] {
  const all = filled ?? [{ at: 0, end: Infinity }];
  const parts: { at: number; data: Uint8Array }[] = [];
  let done = 0;
  for (const range of all.toSorted((a, b) => a.at - b.at)) {
    // Whole pages: what lies around a range is zero, or in another.
    const end = Math.min(Math.ceil(range.end / PAGE_BYTES) * PAGE_BYTES, buffer.byteLength);
    for (let at = Math.max(range.at - range.at % PAGE_BYTES, done); at < end; at += PAGE_BYTES) {
      const piece = new Uint8Array(buffer, at, Math.min(PAGE_BYTES, buffer.byteLength - at));
      if (!isZero(piece)) parts.push({ at, data: piece.slice() });
    }
    done = Math.max(done, end);
  }
  return parts;
}

/** Looks at four bytes at once, for a memory may have hundreds of megabytes. */
function isZero({ buffer, byteOffset, length }: Uint8Array): boolean {
  const words = new Uint32Array(buffer, byteOffset, length >>> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  const rest = new Uint8Array(buffer, byteOffset + (length & ~3), length & 3);
  return rest.every((byte) => byte === 0);
}

/** Writes the first state back between two addresses. */
function restore(memory: WebAssembly.Memory, { parts }: MemoryImage, from: number, to: number): void {
  if (from >= to) return;
  const view = new Uint8Array(memory.buffer);
  let at = from;
  for (let i = firstEndingBehind(parts, from); i < parts.length; i++) {
    const part = parts[i]!;
    if (part.at >= to) break;
    if (part.at > at) view.fill(0, at, part.at);
    const start = Math.max(at, part.at);
    const stop = Math.min(to, part.at + part.data.length);
    view.set(part.data.subarray(start - part.at, stop - part.at), start);
    at = stop;
  }
  if (at < to) view.fill(0, at, to);
}

/** The index of the first part that ends behind an address. */
function firstEndingBehind(parts: MemoryImage["parts"], address: number): number {
  let [low, high] = [0, parts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { at, data } = parts[middle]!;
    if (at + data.length <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** For each instance with a memory of its own, who writes to it: `undefined` when somebody does not keep note. */
function writersOf(plan: Plan, states: readonly ModuleState[]): (number[] | undefined)[] {
  // Notes do not say of which of several memories they are.
  const writers: (number[] | undefined)[] = states.map(({ memories }) => memories.length > 1 ? undefined : []);
  plan.instances.forEach(({ elided, module }, index) => {
    const { shape } = plan.modules[module]!;
    if (elided || shape.memories.length === 0 || !shape.sections.has(10)) return;
    // What tracks has one memory; of the rest it is not known which of theirs they write to.
    if (states[index]!.tracked) writers[ownerOfMemory(plan, index, 0)]?.push(index);
    else shape.memories.forEach((_, memory) => writers[ownerOfMemory(plan, index, memory)] = undefined);
  });
  return writers;
}

/** For each memory of each instance's own, where instantiating writes to it. */
function filledBy(plan: Plan, states: readonly ModuleState[]): Ranges[][] {
  const filled = states.map((state): Ranges[] => state.memories.map(() => []));
  plan.instances.forEach(({ elided, module }, index) => {
    if (elided) return;
    const { memories, importedMemories } = plan.modules[module]!.shape;
    const { data } = states[index]!;
    const segments = data && Map.groupBy(data, (segment) => segment.memory);
    for (let memory = 0; memory < memories.length; memory++) {
      const written = segments && (segments.get(memory) ?? []);
      if (written?.length === 0) continue;
      const owner = filled[ownerOfMemory(plan, index, memory)]!;
      const isOwn = memory >= importedMemories;
      const first = isOwn ? memory - importedMemories : 0;
      const end = isOwn ? first + 1 : owner.length;
      for (let own = first; own < end; own++) {
        const known = owner[own];
        // Of an instance with several memories it is not asked here which one is imported.
        const isKnown = known !== undefined && written !== undefined &&
          (owner.length === 1 || memory >= importedMemories);
        owner[own] = isKnown ? [...known, ...written.map(({ at, length }) => ({ at, end: at + length }))] : undefined;
      }
    }
  });
  return filled;
}
