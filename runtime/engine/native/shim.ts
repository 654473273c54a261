/**
 * wit-component's shim and fixup modules, and how to do without them.
 *
 * A core module's imports must exist before its memory does, and functions lowered in WebAssembly need that memory. So
 * wit-component puts a shim in between: functions that call through a table, which a fixup module fills when everything
 * exists. Our functions find the memory when they are called: what the shim would call can be imported at once.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { body } from "./code.ts";
import type { CoreModuleShape } from "./core_module.ts";
import type { CoreInstancePlan, CoreItem, Plan, Synth } from "./plan.ts";
import { checkSynth, same } from "./signatures.ts";

const TABLE = "$imports";

/** For each pair all imports are gone through, and the shim's functions: hundreds of pairs would take for ever. */
const MAX_STEPS = 2_000_000;

/** The plan without shims and fixups, where that makes no difference. */
export function withoutShims(bytes: Uint8Array, plan: Plan): Plan {
  const instances = [...plan.instances];
  const synths = [...plan.synths];
  const destructors = new Map(plan.destructors);
  let changed = false;
  let left = MAX_STEPS;
  const imports = importCount(instances);
  for (let fixup = 0; fixup < instances.length; fixup++) {
    const table = shimTable(plan, instances, fixup);
    if (table === undefined) continue;
    left -= imports + shapeOf(plan, instances[table.instance]!).functions.length;
    if (left < 0) break;
    const found = findPair(bytes, plan, instances, fixup, table);
    if (found === undefined) continue;
    const targets = new Map<string, CoreItem>();
    let fits = true;
    for (const [name, target] of found.targets) {
      const type = shapeOf(plan, instances[found.shim]!).exports.get(name)?.func;
      const problem = type === undefined ? "no type" : problemOf(plan, synths, target, type);
      if (problem !== undefined) fits = false;
      targets.set(name, target);
    }
    // A start function cannot be suspended, and what calls through us may be.
    const late = [...targets.values()].some((target) => target.kind === "export");
    if (!fits || late && importersStart(plan, instances, found.shim)) continue;
    replace(plan, instances, synths, found.shim, targets);
    // A resource type is defined before the module that has its destructor is instantiated: it is called through the shim.
    for (const [resource, { core, owner }] of destructors) {
      if (core.kind !== "export" || core.instance !== found.shim) continue;
      destructors.set(resource, { core: targets.get(core.name)!, owner });
    }
    instances[found.shim] = { ...instances[found.shim]!, elided: true };
    instances[fixup] = {
      ...instances[fixup]!,
      elided: true,
      ...(found.start === undefined ? {} : { start: found.start }),
    };
    changed = true;
  }
  return changed ? { ...plan, instances, synths, destructors } : plan;
}

function importersStart(plan: Plan, instances: readonly CoreInstancePlan[], shim: number): boolean {
  return instances.some((instance) =>
    !instance.elided && shapeOf(plan, instance).exports.size > 0 &&
    shapeOf(plan, instance).startFunction !== undefined &&
    [...instance.imports.values()].some((fields) =>
      [...fields.values()].some((item) => item.kind === "export" && item.instance === shim)
    )
  );
}

function shapeOf(plan: Plan, instance: CoreInstancePlan): CoreModuleShape {
  return plan.modules[instance.module]!.shape;
}

function problemOf(
  plan: Plan,
  synths: readonly Synth[],
  target: CoreItem,
  type: NonNullable<CoreModuleShape["functions"][number]>,
): string | undefined {
  if (target.kind === "synth") return checkSynth(synths[target.index]!, type);
  const found = shapeOf(plan, plan.instances[target.instance]!).exports.get(target.name)?.func;
  return found !== undefined && same(found, type) ? undefined : "another type";
}

interface Pair {
  readonly shim: number;
  /** What each export of the shim calls in the end. */
  readonly targets: ReadonlyMap<string, CoreItem>;
  /** The function that the fixup calls as it starts. */
  readonly start: CoreItem | undefined;
}

function importCount(instances: readonly CoreInstancePlan[]): number {
  let count = 0;
  for (const { imports } of instances) for (const fields of imports.values()) count += fields.size;
  return count;
}

/** The table that this core instance fills, if it looks like a fixup. */
function shimTable(
  plan: Plan,
  instances: readonly CoreInstancePlan[],
  fixup: number,
): CoreItem & { kind: "export" } | undefined {
  const instance = instances[fixup]!;
  if (instance.elided) return undefined;
  const { sections, imports } = shapeOf(plan, instance);
  if ([...sections.keys()].some((id) => id !== 1 && id !== 2 && id !== 8 && id !== 9)) return undefined;
  const others = imports.filter((i) => i.kind !== "func");
  const [only] = others;
  const table = only === undefined || others.length > 1
    ? undefined
    : instance.imports.get(only.module)!.get(only.name)!;
  if (table?.kind !== "export" || table.sort !== "table" || table.name !== TABLE) return undefined;
  return instances[table.instance]!.elided ? undefined : table;
}

/** Whether this core instance is a fixup, and of which shim. */
function findPair(
  bytes: Uint8Array,
  plan: Plan,
  instances: readonly CoreInstancePlan[],
  fixup: number,
  { instance: shim }: CoreItem & { kind: "export" },
): Pair | undefined {
  const instance = instances[fixup]!;
  const fixupShape = shapeOf(plan, instance);
  const { imports } = fixupShape;
  const given = (i: { module: string; name: string }) => instance.imports.get(i.module)!.get(i.name)!;
  if (usesOfTable(instances, shim) !== 1) return undefined;
  const slots = shimSlots(bytes, shapeOf(plan, instances[shim]!));
  const filled = elements(bytes, fixupShape);
  if (slots === undefined || filled === undefined) return undefined;
  const functions = imports.filter((i) => i.kind === "func").map(given);
  const targets = new Map<string, CoreItem>();
  for (const [name, slot] of slots) {
    const target = functions[filled[slot] ?? -1];
    // A shim that leads to itself would be a loop.
    if (target === undefined || target.kind === "export" && target.instance === shim) return undefined;
    targets.set(name, target);
  }
  const start = startOf(bytes, fixupShape);
  if (start === null) return undefined;
  return { shim, targets, start: start === undefined ? undefined : functions[start] };
}

function usesOfTable(instances: readonly CoreInstancePlan[], shim: number): number {
  let uses = 0;
  for (const { imports } of instances) {
    for (const fields of imports.values()) {
      for (const item of fields.values()) {
        if (item.kind === "export" && item.instance === shim && item.sort === "table") uses++;
      }
    }
  }
  return uses;
}

/** The table slot that each exported function of a shim calls; `undefined` if it is no shim. */
function shimSlots(bytes: Uint8Array, shape: CoreModuleShape): Map<string, number> | undefined {
  if (shape.imports.length > 0) return undefined;
  if ([...shape.sections.keys()].some((id) => id !== 1 && id !== 3 && id !== 4 && id !== 7 && id !== 10)) {
    return undefined;
  }
  const section = shape.sections.get(10);
  if (section === undefined) return undefined;
  const bodies: (number | undefined)[] = [];
  const r = new Reader(bytes, shape.name, section.start, section.end);
  r.vec("functions", () => bodies.push(slotOf(body(r), shape.functions[bodies.length]?.params.length)));
  const slots = new Map<string, number>();
  for (const [name, { kind, index }] of shape.exportIndices) {
    if (kind === "table" && name === TABLE) continue;
    const slot = kind === "func" ? bodies[index] : undefined;
    if (slot === undefined) return undefined;
    slots.set(name, slot);
  }
  return slots;
}

/** The slot of a function that passes its parameters on through the table, and does nothing else. */
function slotOf(r: Reader, params: number | undefined): number | undefined {
  if (params === undefined) return undefined;
  for (let i = 0; i < params; i++) if (r.u8() !== 0x20 || r.u32() !== i) return undefined;
  if (r.u8() !== 0x41) return undefined;
  const slot = r.s33();
  if (r.u8() !== 0x11) return undefined;
  r.u32();
  return r.u32() === 0 && r.u8() === 0x0b && r.done ? slot : undefined;
}

/** The functions in a fixup's one segment, by slot. */
function elements(bytes: Uint8Array, shape: CoreModuleShape): number[] | undefined {
  const section = shape.sections.get(9);
  if (section === undefined) return undefined;
  const r = new Reader(bytes, shape.name, section.start, section.end);
  if (r.u32() !== 1 || r.u32() !== 0) return undefined;
  if (r.u8() !== 0x41 || r.s33() !== 0 || r.u8() !== 0x0b) return undefined;
  const functions = r.vec("functions", () => r.u32());
  return r.done ? functions : undefined;
}

/** The start function: none is `undefined`; `null` for one that is not imported. */
function startOf(bytes: Uint8Array, shape: CoreModuleShape): number | undefined | null {
  const section = shape.sections.get(8);
  if (section === undefined) return undefined;
  const start = new Reader(bytes, shape.name, section.start, section.end).u32();
  return start < shape.importedFunctions ? start : null;
}

/** Lets everyone who imports from the shim import its targets. */
function replace(
  plan: Plan,
  instances: CoreInstancePlan[],
  synths: Synth[],
  shim: number,
  targets: ReadonlyMap<string, CoreItem>,
): void {
  const late = new Map<string, CoreItem>();
  instances.forEach((instance, index) => {
    if (instance.elided) return;
    let changed = false;
    const imports = new Map<string, ReadonlyMap<string, CoreItem>>();
    for (const [module, fields] of instance.imports) {
      const made = new Map<string, CoreItem>();
      for (const [name, item] of fields) {
        const through = item.kind === "export" && item.instance === shim && item.sort === "func"
          ? targets.get(item.name)
          : undefined;
        if (through !== undefined) changed = true;
        made.set(name, through === undefined ? item : through.kind === "synth" ? through : lateItem(through));
      }
      imports.set(module, made);
    }
    if (changed) instances[index] = { ...instance, imports };
  });

  /** An instance that does not exist yet, or need not, is called through a function that finds it. */
  function lateItem(target: CoreItem & { kind: "export" }): CoreItem {
    const key = `${target.instance} ${target.name}`;
    let item = late.get(key);
    if (item === undefined) {
      const { owner } = plan.instances[target.instance]!;
      item = { kind: "synth", index: synths.push({ kind: "late", target, owner }) - 1, sort: "func" };
      late.set(key, item);
    }
    return item;
  }
}

/** Whether instantiating a core module can be seen by nobody: it may be left until something of it is needed. */
export function isUnobservable({ sections, imports }: CoreModuleShape): boolean {
  // No start function, no data, no elements: what is left makes only things of its own.
  if (sections.has(8) || sections.has(9) || sections.has(11)) return false;
  return imports.every((i) => i.kind === "func" || i.kind === "memory" || i.kind === "table");
}
