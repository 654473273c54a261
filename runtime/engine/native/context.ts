/**
 * What lifting and lowering work with: one isolate's memory, allocator and handles, for one set of canonical options.
 *
 * @module
 */
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import type { BorrowScope, HandleTable, ResourceHandle } from "./resources.ts";
import type { NativeIsolate } from "./isolate.ts";
import type { ComponentState } from "./state.ts";
import { GuestThread, now } from "./thread.ts";
import { PAGE_SHIFT } from "./tracking.ts";
import { trap } from "./trap.ts";

/** What the canonical ABI asks of a component instance. */
export interface InstanceState {
  readonly index: number;
  readonly handles: HandleTable;
  mayLeave: boolean;
}

/** Between which addresses the engine itself has written into a memory. */
export class Writes {
  lowest = Infinity;
  highest = 0;
  /** A byte for each page, of whoever notes those that it writes to; see `track.ts`. */
  readonly #notes: Uint8Array | undefined;

  constructor(notes?: Uint8Array) {
    this.#notes = notes;
  }

  clear(): void {
    this.lowest = Infinity;
    this.highest = 0;
  }

  note(ptr: number, size: number): void {
    // What is empty may be anywhere, and often is at address 1 or 4.
    if (size === 0) return;
    if (this.#notes !== undefined) {
      this.#notes.fill(1, ptr >>> PAGE_SHIFT, ((ptr + size - 1) >>> PAGE_SHIFT) + 1);
      return;
    }
    if (ptr < this.lowest) this.lowest = ptr;
    if (ptr + size > this.highest) this.highest = ptr + size;
  }
}

type Realloc = (old: number, oldSize: number, align: number, size: number) => number;

const PAGE_BYTES = 65_536;

const EMPTY = new Uint8Array(0);

/** "Lifting and Lowering Context" of CanonicalABI.md. */
export class Cx {
  instance: ComponentState;
  isolate: NativeIsolate;
  /** Views of the memory as it is now; see {@linkcode refresh}. */
  u8: Uint8Array = EMPTY;
  dv: DataView = new DataView(EMPTY.buffer);
  /** Handles lent to the call whose parameters are being lifted. */
  lenders: ResourceHandle[] | undefined = undefined;
  /** Who answers for the borrows that are being lowered. */
  scope: BorrowScope | undefined = undefined;
  /** What may still be lifted until guest code runs again. */
  #liftable = 0;
  readonly #memory: WebAssembly.Memory | undefined;
  /** The memory's size in pages as the guest sees it, where that is not the real one: see `slack.ts`. */
  readonly #pages: WebAssembly.Global | undefined;
  readonly #writes: Writes;
  readonly #realloc: Realloc | undefined;
  /** An allocator runs as a thread of its own. */
  #thread: GuestThread | undefined;

  constructor(
    isolate: NativeIsolate,
    instance: ComponentState,
    memory: WebAssembly.Memory | undefined,
    realloc: Realloc | undefined,
    pages: WebAssembly.Global | undefined,
    writes: Writes,
  ) {
    this.isolate = isolate;
    this.instance = instance;
    this.#memory = memory;
    this.#pages = pages;
    this.#realloc = realloc;
    this.#writes = writes;
    if (memory !== undefined) this.#view(memory);
  }

  /** Makes it as it was made, for the next isolate of the same core instances. */
  begin(isolate: NativeIsolate, instance: ComponentState): void {
    this.isolate = isolate;
    this.instance = instance;
    this.lenders = this.scope = this.#thread = undefined;
    // The last isolate's guest may have grown into the slack.
    if (this.#pages !== undefined && this.u8.length !== this.#pages.value * PAGE_BYTES) this.#view(this.#memory!);
  }

  /** Renews the views if the memory has grown: after any code of the guest has run. */
  refresh(): void {
    this.#liftable = this.isolate.task.limits.hostCallBytes;
    // Growing detaches the buffer, and a detached view has no length.
    if (this.u8.length === 0 && this.#memory !== undefined) this.#view(this.#memory);
  }

  #view(memory: WebAssembly.Memory): void {
    const { buffer } = memory;
    const bytes = this.#pages === undefined ? buffer.byteLength : this.#pages.value * PAGE_BYTES;
    this.u8 = new Uint8Array(buffer, 0, bytes);
    this.dv = new DataView(buffer, 0, bytes);
  }

  /** Whether there is memory up to `end`. It may have grown into its slack, which detaches nothing. */
  #reaches(end: number): boolean {
    if (end <= this.u8.length) return true;
    if (this.#pages === undefined || end > this.#pages.value * PAGE_BYTES) return false;
    this.#view(this.#memory!);
    return true;
  }

  /**
   * Counts what a list or string will take when it is lifted. Lists can share what is in them, so that a small memory
   * could describe values of any size.
   */
  charge(bytes: number): void {
    this.#liftable -= bytes;
    // However small: many small ones inside each other are a lot.
    this.isolate.moved(bytes);
    if (this.#liftable >= 0) return;
    const { task } = this.isolate;
    task.countLimit("hostCallBytes");
    trap(`more than ${task.limits.hostCallBytes} bytes of lists and strings at once (limits.hostCallBytes)`);
  }

  /** Asks the guest for memory, and checks what it gives. */
  reallocate(old: number, oldSize: number, align: number, size: number): number {
    if (this.#realloc === undefined) return trap("realloc is needed and not given");
    const { thread } = now;
    const { storage } = now.thread = this.#thread ??= new GuestThread(this.isolate, this.instance);
    storage[0] = storage[1] = 0;
    this.instance.mayLeave = false;
    let ptr = this.#realloc(old, oldSize, align, size);
    // It is an i32, or beyond that one of a 64-bit memory.
    if (ptr < 0) ptr >>>= 0;
    this.instance.mayLeave = true;
    now.thread = thread;
    this.refresh();
    if (ptr % align !== 0) trap("realloc return: result not aligned");
    if (!this.#reaches(ptr + size)) trap("realloc return: beyond end of memory");
    this.#writes.note(ptr, size);
    this.isolate.moved(size + LIFTED_VALUE_BYTES);
    return ptr;
  }

  allocate(align: number, size: number): number {
    return this.reallocate(0, 0, align, size);
  }

  /** Checks a pointer that the guest gave. */
  checkRange(ptr: number, align: number, size: number, what: string): void {
    if (ptr % align !== 0) trap(`${what}: pointer not aligned`);
    if (!this.#reaches(ptr + size)) trap(`${what}: pointer out of bounds of memory`);
  }

  /** Checks a pointer that the guest gave to be written to. */
  checkTarget(ptr: number, align: number, size: number, what: string): void {
    this.checkRange(ptr, align, size, what);
    this.#writes.note(ptr, size);
  }
}
