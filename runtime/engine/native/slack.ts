/**
 * Room for memories to grow in: a `WebAssembly.Memory` cannot shrink, so an instance whose memory has grown could not be
 * restored, and most allocators grow theirs in their first request.
 *
 * Where a component's isolates are restored, a memory really begins with some pages more than its module declares. What
 * size it appears to have is in a global, `pages`; `memory.size` reads it, and `memory.grow` only raises it as long as
 * there is room. Beyond that the memory really grows, to the size that it then appears to have; its declared maximum is
 * never passed. Restoring sets the global back and clears what was written, so that pages are zero when they are grown.
 *
 * Fresh and restored instances are the same in all of this. One thing differs from the specification, alike in every
 * request: an access between the apparent size and the real one at first does not trap. What the host reads or writes
 * for the guest is checked against the apparent size. Without restoring there is no slack, and all is exact.
 *
 * @module
 */
import { coreLimits, coreValType } from "../../component/core_types.ts";
import { Reader } from "../../component/reader.ts";
import { SkerryError } from "../../errors.ts";
import { instruction } from "./code.ts";
import type { CoreModuleShape } from "./core_module.ts";
import { factsOf, type ModuleSource } from "./metering.ts";
import type { CoreInstancePlan, CoreItem, CoreModulePlan } from "./plan.ts";
import { trackingOf } from "./tracking.ts";

/** How many pages the memories of one isolate have more than they declare, all together. */
export const SLACK_PAGES = 64;

/** Under this name a module exports the apparent size of its memory; others import it from the module {@linkcode HERE}. */
export const PAGES = "skerry:pages";
export const HERE = "skerry:restore";

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
const GLOBAL_GET = 0x23, I32_CONST = 0x41, END = 0x0b;

/** What is different in a module: its own memory has slack, or it asks for the size of one that has. */
export type Slack =
  | { readonly kind: "own"; readonly declared: number; readonly real: number }
  | { readonly kind: "imported" };

/** By the index of the module; those that stay as they are have none. */
export type SlackPlan = ReadonlyMap<number, Slack>;

export const NO_SLACK: SlackPlan = new Map();

/**
 * Which modules of a restorable component get slack. All that use one memory must agree on its size: one that cannot be
 * prepared leaves the memory as it is.
 *
 * @param most pages that may be added in all
 */
export function slackOf(
  sources: readonly ModuleSource[],
  instances: readonly CoreInstancePlan[],
  most: number = SLACK_PAGES,
): SlackPlan {
  const modules = sources.map((source) => source.plan);
  const uses = instances.flatMap(({ elided, module }, index) => {
    if (elided || modules[module]!.shape.memories.length === 0) return [];
    const owner = ownerOfMemory({ modules, instances }, index, 0);
    return [{ module, owner: instances[owner]!.module, isOwner: owner === index }];
  });
  const refused = new Set<number>();
  for (const { module, owner } of uses) {
    if (!canHaveSlack(sources[module]!, modules[owner]!.shape)) refused.add(module);
  }
  for (let size = -1; size !== refused.size;) {
    size = refused.size;
    for (const { module, owner } of uses) {
      if (refused.has(module) || refused.has(owner)) refused.add(module).add(owner);
    }
  }
  const asking = new Set(
    uses.filter(({ module }) => factsOf(sources[module]!)?.asksForSize).map(({ module }) => module),
  );
  const growing = new Set(uses.filter(({ module }) => asking.has(module)).map(({ owner }) => owner));
  const given = uses.filter(({ module, owner }) => !refused.has(module) && growing.has(owner));
  const share = Math.floor(Math.min(most, SLACK_PAGES) / given.filter(({ isOwner }) => isOwner).length);
  const slack = new Map<number, Slack>();
  if (share < 1) return slack;
  for (const { module, isOwner } of given) {
    if (isOwner) {
      const declared = declaredPages(modules[module]!.shape);
      slack.set(module, { kind: "own", declared, real: Math.min(declared + share, mostPages(modules[module]!.shape)) });
    } else if (asking.has(module)) slack.set(module, { kind: "imported" });
  }
  return slack;
}

/** A module's one memory. */
function declaredPages({ memories }: CoreModuleShape): number {
  return Number(memories[0]!.limits.min);
}

function mostPages({ memories }: CoreModuleShape): number {
  return Math.min(Number(memories[0]!.limits.max ?? MAX_PAGES), MAX_PAGES);
}

/** Whether a module that uses the memory of `owner` can be prepared for slack, and nobody sees that it is there. */
function canHaveSlack(source: ModuleSource, owner: CoreModuleShape): boolean {
  const { shape } = source.plan;
  if (shape.memories.length !== 1 || owner.memories.length !== 1) return false;
  const pages = declaredPages(owner);
  if (mostPages(owner) <= pages) return false;
  if (shape.memories[0]!.limits.pageSizeLog2 !== undefined) return false;
  // Instantiating would fail, and should go on failing.
  if (declaredPages(shape) > pages || !isDataWithin(source, pages * PAGE_BYTES)) return false;
  if (!shape.sections.has(10)) return true;
  if (trackingOf(shape) === undefined) return false;
  return shape.importedMemories === 0 || !factsOf(source)?.asksForSize || canMoveGlobals(source);
}

/** A data segment that is written into a memory as its module is instantiated. */
export interface ActiveData {
  readonly memory: number;
  readonly at: number;
  readonly length: number;
}

/** The active data segments of a module; nothing if it is not known from the module alone where they go. */
export function activeData(source: ModuleSource): readonly ActiveData[] | undefined {
  const segments: ActiveData[] = [];
  const r = reader(source, 11);
  if (r === undefined) return segments;
  for (let left = r.count("data segments"); left > 0; left--) {
    const kind = r.u32();
    const memory = kind === 2 ? r.u32() : 0;
    let at = 0;
    if (kind !== 1) {
      if (r.u8() !== I32_CONST) return undefined;
      at = r.s33() >>> 0;
      if (r.u8() !== END) return undefined;
    }
    const length = r.u32();
    r.take(length, "data");
    if (kind !== 1) segments.push({ memory, at, length });
  }
  return segments;
}

/**
 * Whether no part of a module but its code can name another memory than its first. Imports and memories are written anew
 * by whoever adds one; besides, exports name memories, and data that goes into one.
 */
export function namesOneMemory(source: ModuleSource): boolean {
  for (const { kind, index } of source.plan.shape.exportIndices.values()) {
    if (kind === "memory" && index > 0) return false;
  }
  const r = reader(source, 11);
  if (r === undefined) return true;
  try {
    for (let left = r.count("data segments"); left > 0; left--) {
      const kind = r.u32();
      if (kind > 2 || kind === 2 && r.u32() !== 0) return false;
      if (kind !== 1) namesNoGlobal(r, source.plan.shape);
      r.take(r.u32(), "data");
    }
    return r.done;
  } catch (error) {
    // What cannot be read may be anything.
    if (error instanceof SkerryError) return false;
    throw error;
  }
}

function reader({ bytes, plan: { shape } }: ModuleSource, section: number): Reader | undefined {
  const found = shape.sections.get(section);
  return found && new Reader(bytes, shape.name, found.start, found.end);
}

/** Whether the segments that are written as the module is instantiated end before `bytes`. */
function isDataWithin(source: ModuleSource, bytes: number): boolean {
  return activeData(source)?.every(({ at, length }) => at + length <= bytes) ?? false;
}

/**
 * Whether the globals that a module defines can have other indices, because it imports one more: nothing but its code and
 * exports, which are written anew, may name them.
 */
function canMoveGlobals(source: ModuleSource): boolean {
  const { shape } = source.plan;
  if (shape.imports.some(({ module }) => module === HERE)) return false;
  try {
    return areTablesFixed(source) && areGlobalsFixed(source) && areElementsFixed(source);
  } catch (error) {
    // What cannot be read may be anything, and the compiler has the last word on it.
    if (error instanceof SkerryError) return false;
    throw error;
  }
}

/** Whether no table has elements to begin with. */
function areTablesFixed(source: ModuleSource): boolean {
  const r = reader(source, 4);
  return r === undefined || r.vec("tables", () => {
    if (r.peek() === 0x40) return r.fail("a table with an initial value");
    coreValType(r);
    coreLimits(r);
    return true;
  }).every(Boolean);
}

/** Whether no global begins with the value of another that the module defines. */
function areGlobalsFixed(source: ModuleSource): boolean {
  const r = reader(source, 6);
  return r === undefined || r.vec("globals", () => {
    coreValType(r);
    r.u8();
    return namesNoGlobal(r, source.plan.shape);
  }).every(Boolean);
}

/** Reads a constant expression. */
function namesNoGlobal(r: Reader, shape: CoreModuleShape): boolean {
  let none = true;
  while (true) {
    const at = r.pos;
    const opcode = instruction(r);
    if (opcode === END) return none;
    if (opcode === undefined) return r.fail("a constant expression that is not understood", at);
    if (opcode === GLOBAL_GET) none &&= new Reader(r.bytes, r.name, at + 1).u32() < shape.importedGlobals;
  }
}

/** Whether no element segment names a global that the module defines. */
function areElementsFixed(source: ModuleSource): boolean {
  const { shape } = source.plan;
  const r = reader(source, 9);
  if (r === undefined) return true;
  return r.vec("element segments", () => {
    const flags = r.u32();
    const [isActive, hasIndex, hasExpressions] = [(flags & 1) === 0, (flags & 2) !== 0, (flags & 4) !== 0];
    let fixed = true;
    if (isActive && hasIndex) r.u32();
    if (isActive) fixed = namesNoGlobal(r, shape);
    if (!isActive || hasIndex) hasExpressions ? coreValType(r) : r.u8();
    const items = r.vec("elements", () => hasExpressions ? namesNoGlobal(r, shape) : r.u32() >= 0);
    return fixed && items.every(Boolean);
  }).every(Boolean);
}

const memoryImportsOf = new WeakMap<CoreModuleShape, CoreModuleShape["imports"]>();

/** It is asked for each memory, of which a module may import any number. */
function memoryImports(shape: CoreModuleShape): CoreModuleShape["imports"] {
  let imports = memoryImportsOf.get(shape);
  if (imports === undefined) {
    imports = shape.imports.filter((i) => i.kind === "memory");
    memoryImportsOf.set(shape, imports);
  }
  return imports;
}

/** The instance whose own an instance's memory is. */
export function ownerOfMemory(
  plan: { readonly modules: readonly CoreModulePlan[]; readonly instances: readonly CoreInstancePlan[] },
  index: number,
  memory: number,
): number {
  const { module, imports } = plan.instances[index]!;
  const { shape } = plan.modules[module]!;
  if (memory >= shape.importedMemories) return index;
  const wanted = memoryImports(shape)[memory]!;
  const item = imports.get(wanted.module)!.get(wanted.name)!;
  if (item.kind !== "export") throw new Error("a memory is no export");
  const from = plan.modules[plan.instances[item.instance]!.module]!.shape;
  return ownerOfMemory(plan, item.instance, from.exportIndices.get(item.name)!.index);
}

/** The instances with what they import more: the apparent size of the memory that they use. */
export function withPages(
  modules: readonly CoreModulePlan[],
  instances: readonly CoreInstancePlan[],
  slack: SlackPlan,
): readonly CoreInstancePlan[] {
  return instances.map((instance, index) => {
    if (instance.elided || slack.get(instance.module)?.kind !== "imported") return instance;
    const owner = ownerOfMemory({ modules, instances }, index, 0);
    const item: CoreItem = { kind: "export", instance: owner, name: PAGES, sort: "global" };
    return { ...instance, imports: new Map([...instance.imports, [HERE, new Map([[PAGES, item]])]]) };
  });
}
