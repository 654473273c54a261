/**
 * Metered core modules in this engine.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { MemoryNeed } from "../../memory.ts";
import type { GrowthLimits } from "../growth.ts";
import { type CodeFacts, codeFacts } from "../meter/mod.ts";
import { checkConstants, checkElements, checkStart, type Meter, meter } from "../metering.ts";
import type { Steps } from "../steps.ts";
import { coreModuleShape } from "./core_module.ts";
import type { CoreModulePlan, Plan } from "./plan.ts";
import { now, resuming, suspending } from "./thread.ts";

/** The sections of code and of tags. */
const CODE = 10, TAGS = 13;

/** A core module as it will be compiled. */
export interface ModuleSource {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of these bytes. */
  readonly plan: CoreModulePlan;
  /** Whether it makes objects in the host's heap. */
  readonly allocates?: boolean;
  /** What the objects take there that it begins with. */
  readonly constantBytes?: number;
  /** What V8 does to make an instance of it. */
  readonly startSteps?: number;
  /** What its code does, where that is known already: see {@linkcode factsOf}. */
  readonly facts?: CodeFacts;
}

/** What the code of a module does; `undefined` if it cannot be read, which the compiler has the last word on. */
export function factsOf({ bytes, plan: { start, end, shape }, facts }: ModuleSource): CodeFacts | undefined {
  if (facts !== undefined || !shape.sections.has(10)) return facts ?? { changesOnlyMemory: true, asksForSize: false };
  try {
    return codeFacts(bytes.subarray(start, end), shape.name);
  } catch (error) {
    if (error instanceof SkerryError) return undefined;
    throw error;
  }
}

/** The modules of a component, with metering and bounds added to those that are ever made. */
export function* metered(
  bytes: Uint8Array<ArrayBuffer>,
  { instances, modules, name }: Plan,
  limits: GrowthLimits,
): Steps<ModuleSource[]> {
  // What one module throws unwinds the functions of others.
  const throws = modules.some(({ shape }) => shape.sections.has(TAGS) || shape.imports.some((i) => i.kind === "tag"));
  const used = new Set<number>();
  for (const { elided, module } of instances) if (!elided) used.add(module);
  const made: ModuleSource[] = [];
  for (const [i, plan] of modules.entries()) {
    if (used.has(i)) made.push(yield* meteredModule(bytes, plan, limits, throws));
    else {
      // It is compiled all the same, and what V8 must not see is found where code is read.
      if (plan.shape.sections.has(CODE)) codeFacts(bytes.subarray(plan.start, plan.end), plan.shape.name);
      made.push({ bytes, plan });
    }
  }
  const sum = (what: (source: ModuleSource) => number | undefined) => {
    let all = 0;
    for (const { elided, module } of instances) if (!elided) all += (made[module] && what(made[module])) ?? 0;
    return all;
  };
  checkConstants(sum((source) => source.constantBytes), name);
  checkStart(sum((source) => source.startSteps), name);
  checkElements(initialElements({ instances, modules }), name, limits);
  return made;
}

function* meteredModule(
  bytes: Uint8Array<ArrayBuffer>,
  plan: CoreModulePlan,
  limits: GrowthLimits,
  throws: boolean,
): Steps<ModuleSource> {
  const { name } = plan.shape;
  const made = yield* meter(bytes.subarray(plan.start, plan.end), name, limits, throws || undefined);
  const { length } = made.bytes;
  return {
    bytes: made.bytes,
    plan: { start: 0, end: length, shape: coreModuleShape(made.bytes, 0, length, name) },
    allocates: made.allocates,
    constantBytes: made.constantBytes,
    startSteps: made.startSteps,
    facts: made.facts,
  };
}

/** What the host gives only when the component is linked. */
const NOT_YET: {
  readonly shape: Pick<CoreModulePlan["shape"], "memories" | "importedMemories" | "tables" | "importedTables">;
} = { shape: { memories: [], importedMemories: 0, tables: [], importedTables: 0 } };

/** What the core instances of an isolate begin with, as far as it is known. */
export function initialMemory({ instances, modules }: Plan): MemoryNeed {
  let bytes = 0, memories = 0;
  for (const { elided, module } of instances) {
    if (elided) continue;
    const { shape } = modules[module] ?? NOT_YET;
    for (const { limits } of shape.memories.slice(shape.importedMemories)) {
      bytes += Number(limits.min) * 2 ** (limits.pageSizeLog2 ?? 16);
      memories++;
    }
  }
  return { bytes, memories };
}

/** The elements that the tables of an isolate begin with, as far as they are known. */
export function initialElements({ instances, modules }: Pick<Plan, "instances" | "modules">): number {
  let elements = 0;
  for (const { elided, module } of instances) {
    if (elided) continue;
    const { shape } = modules[module] ?? NOT_YET;
    for (const { limits } of shape.tables.slice(shape.importedTables)) elements += Number(limits.min);
  }
  return elements;
}

/** What metered modules import: the same for all isolates of a component. */
export function meterImports(meter: Meter): WebAssembly.ModuleImports {
  return {
    look: (fuel: number) => meter.look(now.thread, fuel),
    wait: suspending((why: number) => {
      const { thread } = now;
      return resuming(thread, meter.wait(thread, why));
    }),
    grow: (kind: number, _index: number, total: number, delta: number) => meter.grow(now.thread, kind, total, delta),
  };
}
