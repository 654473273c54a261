/**
 * Metering: rewrites a core module so that no guest can run, or grow, without the host's leave.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { writeCode } from "./_code.ts";
import { HINTS, oldOffset, readHints, writeHints } from "./_hints.ts";
import { makeHelpers } from "./_helpers.ts";
import { layOut } from "./_layout.ts";
import { type Bound, type Bounds, checkMinima } from "./_limits.ts";
import { CODE, type Limited, readModule, type Section } from "./_module.ts";
import { rewriteNames } from "./_names.ts";
import { planCode } from "./_plan.ts";
import { assemble } from "./_rewrite.ts";
import { scanCode } from "./_scan.ts";

export interface MeterOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly fuel?: number;
  readonly exceptions?: boolean;
  readonly memory?: Partial<Bound>;
  readonly table?: Partial<Bound>;
  readonly hints?: boolean;
}

export interface Metered {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hookModule: string;
  readonly hooks: readonly string[];
  readonly counter: string | undefined;
  originalOffset(offset: number): number;
}

export function meterModule(bytes: Uint8Array<ArrayBuffer>, options: MeterOptions = {}): Metered {
  const name = options.name ?? "a module";
  const hookModule = options.namespace ?? "skerry:meter";
  const counterName = `${hookModule}/fuel`;
  const bounds: Bounds = {
    memory: { max: options.memory?.max, ask: options.memory?.ask },
    table: { max: options.table?.max, ask: options.table?.ask },
  };
  const module = readModule(bytes, name);
  checkMinima(module, bounds);
  if (module.importModules.has(hookModule) || module.exportNames.has(counterName)) {
    throw new SkerryError(
      "component-unsupported",
      `metering ${name}: it uses the name ${hookModule}, which is Skerry's`,
    );
  }
  const codeSection = module.sections.find(({ id }) => id === CODE);
  const scanned = scanCode(module, codeSection);
  const planned = planCode(module, scanned, {
    exceptions: options.exceptions ?? (module.tags > 0 || scanned.catches),
    growMemory: bounds.memory.max !== undefined || bounds.memory.ask !== undefined,
    growTable: bounds.table.max !== undefined || bounds.table.ask !== undefined,
  });
  const layout = layOut(module, planned);
  const helpers = makeHelpers(module, layout, bounds);
  const oldHints = module.sections.find((section) => section.name === HINTS);
  const code = codeSection === undefined ? undefined : writeCode(
    module,
    scanned,
    planned,
    layout,
    helpers.map(({ body }) => body),
    readHints(module, scanned, oldHints),
  );
  const custom = (section: Section): "keep" | "drop" | Uint8Array => {
    if (section.name === "name") {
      return rewriteNames({ module, layout, helpers, scanned, plan: planned, prefix: hookModule }, section) ?? "drop";
    }
    return isUntrue(section.name!) ? "drop" : "keep";
  };
  const beforeCode = code === undefined || options.hints === false ? undefined : writeHints(module, layout, code.hints);
  const { bytes: rewritten, codeAt } = assemble({
    module,
    layout,
    bounds,
    helpers,
    clones: [...planned.bodies.subarray(scanned.bodyStart.length)],
    code,
    hookModule,
    counterName,
    fuel: options.fuel ?? 0,
    custom,
    beforeCode,
  });
  return {
    bytes: rewritten,
    hookModule,
    hooks: layout.hooks.map((hook) => hook.name),
    counter: layout.moved > 0 ? counterName : undefined,
    originalOffset: (offset) => code === undefined ? offset : oldOffset(code.offsets, offset - codeAt),
  };
}

/**
 * Sections that speak of offsets or indices of the old code. They are left out: the old file keeps them, and
 * `Metered.originalOffset` leads there.
 */
function isUntrue(name: string): boolean {
  return name.startsWith(".debug_") || name.startsWith("reloc.") || name.startsWith("metadata.code.") ||
    name === "linking" || name === "sourceMappingURL" || name === "external_debug_info";
}
export type { Limited };
