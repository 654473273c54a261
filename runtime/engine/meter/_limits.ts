/**
 * Maxima of memories and tables.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { Limited, ModuleInfo } from "./_module.ts";
import type { Writer } from "./_writer.ts";

/** Up to where memories, in pages, or tables, in elements, may grow, and above what the host is asked. */
export interface Bound {
  readonly max: number | undefined;
  readonly ask: number | undefined;
}

export interface Bounds {
  readonly memory: Bound;
  readonly table: Bound;
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

/** The maximum to write: the lower one of the module's own and the limit. */
function maximum(own: Limited, limit: number | undefined, most32: number): bigint | undefined {
  if (limit === undefined) return own.max;
  const bound = BigInt(own.is64 ? limit : Math.min(limit, most32));
  return own.max === undefined || bound < own.max ? bound : own.max;
}

function writeLimits(w: Writer, own: Limited, max: bigint | undefined): void {
  w.u8((own.is64 ? 4 : 0) | (own.shared ? 2 : 0) | (max === undefined ? 0 : 1));
  w.u64(own.min);
  if (max !== undefined) w.u64(max);
}

/** Writes a memory's limits. */
export function writeMemory(w: Writer, memory: Limited, bound: Bound): void {
  writeLimits(w, memory, maximum(memory, bound.max, MAX_PAGES_32));
}

/** Writes a table's limits, without its element type. */
export function writeTableLimits(w: Writer, table: Limited, bound: Bound): void {
  writeLimits(w, table, maximum(table, bound.max, MAX_ELEMENTS_32));
}
