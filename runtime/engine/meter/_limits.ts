/**
 * Maxima of memories and tables.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { Writer } from "../writer.ts";
import type { Limited, ModuleInfo } from "./_module.ts";

/** Up to where memories, in pages, or tables, in elements, may grow, and above what the host is asked. */
export interface Bound {
  readonly max?: number | undefined;
  readonly ask?: number | undefined;
}

export interface Bounds {
  readonly memory: Bound;
  readonly table: Bound;
}

/** A memory, in pages of 64 KiB, or a table, in elements. */
export interface Growable {
  readonly imported: boolean;
  readonly is64: boolean;
  readonly shared: boolean;
  readonly min: bigint;
  readonly max: bigint | undefined;
}

/** No 32-bit memory has more pages. */
const MAX_PAGES_32 = 65_536;
/** No 32-bit table has more elements. */
const MAX_ELEMENTS_32 = 0xffff_ffff;

/** Refuses a module that needs more from the start than it may have. */
export function checkMinima(module: ModuleInfo, bounds: Bounds): void {
  const check = (what: string, unit: string, all: readonly Limited[], { max }: Bound) => {
    if (max === undefined) return;
    const need = all.reduce((sum, { imported, min }) => imported ? sum : sum + min, 0n);
    if (need <= BigInt(max)) return;
    throw new SkerryError(
      "component-over-limit",
      `metering ${module.name}: its ${what} begin with ${need} ${unit}, and ${max} are allowed; raise the limit`,
    );
  };
  check("memories", "pages of 64 KiB", module.memories, bounds.memory);
  check("tables", "elements", module.tables, bounds.table);
}

/** A memory or a table as it is after the rewrite: its maximum is the lower one of its own and the limit. */
export function describe(own: Limited, limit: number | undefined, isMemory: boolean): Growable {
  const { imported, is64, shared, min } = own;
  let max = own.max;
  if (!imported && limit !== undefined) {
    const bound = BigInt(is64 ? limit : Math.min(limit, isMemory ? MAX_PAGES_32 : MAX_ELEMENTS_32));
    if (max === undefined || bound < max) max = bound;
  }
  return { imported, is64, shared, min, max };
}

/** Writes the limits of a memory or a table, without its element type. */
export function writeLimits(w: Writer, own: Limited, limit: number | undefined, isMemory: boolean): void {
  const { is64, shared, min, max } = describe(own, limit, isMemory);
  w.u8((is64 ? 4 : 0) | (shared ? 2 : 0) | (max === undefined ? 0 : 1));
  w.u64(min);
  if (max !== undefined) w.u64(max);
}
