/**
 * Metering: rewrites a core module when it is loaded, so that no guest runs, or grows, without the host's leave.
 *
 * The module gets a counter, which its loops, recursions and calls of the host count down. When it falls below zero, the
 * guest calls the host, which looks at the clock and grants more, lets it wait, or ends it. What this finds, by which
 * rules, is told in `_plan.ts`; what it costs is measured by `meter_bench.ts`.
 *
 * A rewritten module computes what it did. It may only notice that its stack overflows a little earlier or later, that
 * growing fails at the limits, and that `memory.atomic.wait` never waits, since on one thread nobody could wake it.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { atOnce, type Steps } from "../steps.ts";
import { writeCode } from "./_code.ts";
import { MAX_CONDITIONS } from "./_costs.ts";
import { makeHelpers } from "./_helpers.ts";
import { HINTS, oldOffset, readHints, writeHints } from "./_hints.ts";
import { layOut } from "./_layout.ts";
import { type Bounds, checkMinima, describe, type Growable } from "./_limits.ts";
import { CODE, readModule, type Section } from "./_module.ts";
import { startSteps } from "./_start.ts";
import { rewriteNames } from "./_names.ts";
import { planCode } from "./_plan.ts";
import { assemble } from "./_rewrite.ts";
import { type CodeFacts, scanCode } from "./_scan.ts";

export type { CodeFacts } from "./_scan.ts";
export type { Growable } from "./_limits.ts";

/** Up to where something may grow, and above what the host is asked first. */
export interface GrowthLimits {
  /** All that the module defines, together: memories in pages of 64 KiB, tables in elements. */
  readonly max?: number;
  /** Growing beyond this asks the host; 0 asks always. Without it nothing asks. Imported ones count one by one. */
  readonly ask?: number;
}

export interface MeterOptions {
  /** A name for messages. */
  readonly name?: string;
  /** The module name of the hooks, and the beginning of the counter's name. By default `skerry:meter`. */
  readonly namespace?: string;
  /** What the counter begins with. By default 0, so that the first thing that counts calls the host. */
  readonly fuel?: number;
  /**
   * Whether an exception may unwind the module's functions, from this module or from another one that it calls. By
   * default, whether it has tags or catches. Where one module of a component has tags, all of them need `true`.
   */
  readonly exceptions?: boolean;
  readonly memory?: GrowthLimits;
  readonly table?: GrowthLimits;
  /**
   * How many branches of a function may ask whether a local is zero before that is hidden from V8, which would take time
   * and memory by the square of them. Default: {@linkcode MAX_CONDITIONS}.
   */
  readonly conditions?: number;
}

/**
 * What a metered module imports, by the names in {@linkcode Metered.hooks}.
 *
 * A hook must not throw to end the guest: what JavaScript throws, a guest can catch. A negative answer is a trap, which
 * it cannot.
 */
export interface MeterHooks {
  /**
   * The counter is below zero, at `fuel`. Returns what it is from now on; 0 to have `wait` called; less to end the guest.
   */
  look(fuel: number): number;
  /**
   * May be a `WebAssembly.Suspending`: then the guest sleeps until the promise is kept. It is called only after `look` or
   * `grow` said so, for a `Suspending` throws where no `WebAssembly.promising` stands below, as in a start function.
   *
   * @param reason {@linkcode WAIT_FUEL}: returns the counter's value. {@linkcode WAIT_GROW}: returns 1 for yes, 0 for
   * no. Less than 0 ends the guest.
   */
  // deno-lint-ignore no-explicit-any -- a WebAssembly.Suspending has no type of its own
  wait: ((reason: number) => number) | any;
  /**
   * Asked before growing ({@linkcode ASK_MEMORY}, {@linkcode ASK_TABLE}): returns 1 for yes, 0 for no, 2 to have `wait`
   * called, less than 0 to end the guest. Told when growing failed at a maximum or for want of memory
   * ({@linkcode REFUSED_MEMORY}, {@linkcode REFUSED_TABLE}): what it returns does not matter.
   *
   * @param index Of the memory or the table, in the module as it was.
   * @param current All memories or tables that the module defines together; an imported one by itself.
   * @param delta By how much it is to grow.
   */
  grow(what: number, index: number, current: number, delta: number): number;
}

export { ASK_MEMORY, ASK_TABLE, REFUSED_MEMORY, REFUSED_TABLE, WAIT_FUEL, WAIT_GROW } from "./_helpers.ts";

export interface Metered {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The module name of the hooks. */
  readonly namespace: string;
  /** The hooks that the module imports, in the order of its imports; none where nothing is metered. */
  readonly hooks: readonly (keyof MeterHooks)[];
  /**
   * The name of the exported counter, a mutable `i32` global, or nothing where nothing is metered. The host may read and
   * set it at any time: a host function that takes long may take from it, and -1 makes the guest look soon. A call of a
   * host function counts as some ten nanoseconds, however long it takes.
   */
  readonly counter: string | undefined;
  /** Memories and tables, imported ones first, with the maxima that are now written. */
  readonly memories: readonly Growable[];
  readonly tables: readonly Growable[];
  /** Whether it catches exceptions or has tags: see {@linkcode MeterOptions.exceptions}. */
  readonly exceptions: boolean;
  /** Whether it makes or keeps objects in the host's garbage-collected heap, which no maximum bounds. */
  readonly allocates: boolean;
  /** What the objects take there at most that it begins with: what its globals, tables and segments are made of. */
  readonly constantBytes: number;
  /** What V8 does to make an instance of it, at most: see `_start.ts`. */
  readonly startSteps: number;
  readonly facts: CodeFacts;
  /** From an offset in the new code, as stack traces have it, to the one in the old file, or -1 for what was added. */
  originalOffset(offset: number): number;
}

/**
 * Rewrites a core module.
 *
 * Every proposal that V8 accepts by default is known. Names, labels and branch hints are moved along. Sections with
 * offsets or indices of the old code, DWARF and source maps among them, are left out; they stay true for the old file,
 * where {@linkcode Metered.originalOffset} leads.
 *
 * @throws {SkerryError} `component-malformed` for what is no module, `component-unsupported` for what is not known, with
 * the opcode and its offset, `component-over-limit` for a module that begins with more than it may have. What it lets
 * pass V8 has still to validate: a module that was valid is valid, one that was not is not.
 *
 * @example
 * ```ts
 * import { meterModule } from "./mod.ts";
 *
 * // (module (func (export "f") (loop (br 0))))
 * const sections = ["010401600000", "03020100", "07050101660000", "0a0901070003400c000b0b"];
 * const spin = Uint8Array.fromHex("0061736d01000000" + sections.join(""));
 * const metered = meterModule(spin, { fuel: 1000 });
 * let looks = 0;
 * const hooks = { look: () => looks++ < 3 ? 1000 : -1, wait: () => -1 };
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { [metered.namespace]: hooks });
 * let ended = false;
 * try {
 *   (exports.f as () => void)();
 * } catch (error) {
 *   ended = error instanceof WebAssembly.RuntimeError;
 * }
 * console.assert(ended && looks === 4);
 * ```
 */
export function meterModule(bytes: Uint8Array<ArrayBuffer>, options: MeterOptions = {}): Metered {
  return atOnce(meterSteps(bytes, options));
}

/** Does what {@linkcode meterModule} does in steps, for who lets others run in between. */
export function* meterSteps(bytes: Uint8Array<ArrayBuffer>, options: MeterOptions = {}): Steps<Metered> {
  try {
    return yield* meter(bytes, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SkerryError(
      "component-unsupported",
      `metering ${options.name ?? "a module"}: ${bytes.length} bytes take more memory than there is`,
      { cause: error },
    );
  }
}

function* meter(bytes: Uint8Array<ArrayBuffer>, options: MeterOptions): Steps<Metered> {
  const name = options.name ?? "a module";
  const namespace = options.namespace ?? "skerry:meter";
  const counterName = `${namespace}/fuel`;
  const bounds: Bounds = { memory: options.memory ?? {}, table: options.table ?? {} };
  const module = readModule(bytes, name);
  checkMinima(module, bounds);
  if (module.importModules.has(namespace) || module.exportNames.has(counterName)) {
    throw new SkerryError(
      "component-unsupported",
      `metering ${name}: it uses the name ${namespace}, which is the host's`,
    );
  }
  const codeSection = module.sections.find(({ id }) => id === CODE);
  const scanned = yield* scanCode(module, codeSection);
  const exceptions = module.tags > 0 || scanned.catches;
  const plan = yield* planCode(module, scanned, {
    exceptions: options.exceptions ?? exceptions,
    conditions: options.conditions ?? MAX_CONDITIONS,
    growMemory: bounds.memory.max !== undefined || bounds.memory.ask !== undefined,
    growTable: bounds.table.max !== undefined || bounds.table.ask !== undefined,
  });
  const layout = layOut(module, plan);
  const metered: Omit<Metered, "bytes" | "originalOffset"> = {
    namespace,
    hooks: layout.hooks.map((hook) => hook.name),
    counter: layout.moved > 0 ? counterName : undefined,
    memories: module.memories.map((memory) => describe(memory, bounds.memory.max, true)),
    tables: module.tables.map((table) => describe(table, bounds.table.max, false)),
    exceptions,
    allocates: scanned.allocates || module.keepsExceptions,
    constantBytes: module.constantBytes,
    startSteps: startSteps(module),
    facts: scanned.facts,
  };
  const limits = [...metered.memories, ...metered.tables];
  const limited = [...module.memories, ...module.tables].some(({ max }, i) => max !== limits[i]!.max);
  if (!plan.changes && !limited) return { ...metered, bytes, originalOffset: (offset) => offset };

  const helpers = makeHelpers(module, layout, bounds);
  const oldHints = readHints(module, scanned, module.sections.find((section) => section.name === HINTS));
  const helperBodies = helpers.map(({ body }) => body);
  const code = plan.changes ? yield* writeCode(module, scanned, plan, layout, helperBodies, oldHints) : undefined;
  const custom = (section: Section): "keep" | "drop" | Uint8Array => {
    if (code === undefined) return "keep";
    if (section.name !== "name") return isUntrue(section.name!) ? "drop" : "keep";
    return rewriteNames({ module, layout, helpers, scanned, plan, prefix: namespace }, section) ?? "drop";
  };
  const assembled = assemble({
    module,
    layout,
    bounds,
    helpers,
    clones: [...plan.bodies.subarray(scanned.bodyStart.length)],
    code,
    hookModule: namespace,
    counterName,
    fuel: options.fuel ?? 0,
    custom,
    beforeCode: code === undefined || code.hints.length === 0 ? undefined : writeHints(module, layout, code.hints),
  });
  // Without new code, all that may have moved lies before it.
  const shift = assembled.bytes.length - bytes.length;
  const originalOffset = (offset: number) =>
    code === undefined ? offset - shift : oldOffset(code.offsets, offset - assembled.codeAt);
  return { ...metered, bytes: assembled.bytes, originalOffset };
}

/**
 * What {@linkcode Metered.facts} says, of a module that is not metered.
 *
 * @throws {SkerryError} as {@linkcode meterModule} does.
 */
export function codeFacts(bytes: Uint8Array, name: string): CodeFacts {
  const module = readModule(bytes, name);
  return atOnce(scanCode(module, module.sections.find(({ id }) => id === CODE))).facts;
}

/** Whether a custom section speaks of offsets or indices of the code, other than names. */
function isUntrue(name: string): boolean {
  return name.startsWith(".debug_") || name.startsWith("reloc.") || name.startsWith("metadata.code.") ||
    name === "linking" || name === "sourceMappingURL" || name === "external_debug_info";
}
