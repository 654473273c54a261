/**
 * How a module keeps note of where it writes; `track.ts` makes it do so.
 *
 * @module
 */
import type { CoreModuleShape } from "./core_module.ts";

/** Modules with more code note the pages that they write to. A small program in Go has less. */
export const MAX_RANGE_CODE_BYTES = 2 * 1024 * 1024;

/** How a module keeps note of where it writes: between which addresses, or on which pages. */
export type Tracking = "range" | "pages";

/** What is noted together, in bytes: 2 to this. */
export const PAGE_SHIFT = 12;

/** The memory of the notes, in its pages: a byte for each page that there may be. */
export const NOTES_PAGES = 2 ** (32 - PAGE_SHIFT - 16);

/** A store writes at most so many bytes from its address on. */
export const MAX_STORE_BYTES = 16;

/** The indices of what tracked code uses: see `track.ts`. */
export interface TrackIndices {
  /** Globals of type i32, between which all writes are; without them, pages are noted in the second memory. */
  readonly range?: { readonly lowest: number; readonly span: number };
  /** A function that notes an address, or an address and a length. */
  readonly touch: number;
  /** For a memory that has slack (see `slack.ts`): the global with its apparent size, and what grows it. */
  readonly slack?: { readonly pages: number; readonly grow: number };
  /** Globals from here on have their indices raised by one. */
  readonly movedGlobals: number;
}

/**
 * How the writes of this module can be tracked; `undefined` if they cannot.
 *
 * @param mostBytes of code, for keeping addresses
 */
export function trackingOf(shape: CoreModuleShape, mostBytes: number = MAX_RANGE_CODE_BYTES): Tracking | undefined {
  const code = shape.sections.get(10);
  const can = code !== undefined && shape.memories.length === 1 &&
    shape.functions.every((type) => type !== undefined) &&
    shape.sections.has(1) && shape.sections.has(3);
  if (!can) return undefined;
  if (code.end - code.start <= mostBytes) return "range";
  return shape.memories[0]!.limits.pageSizeLog2 === undefined ? "pages" : undefined;
}
