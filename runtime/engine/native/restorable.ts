/**
 * Which components' isolates can be put back into their first state, and how their modules are prepared for it.
 *
 * The state of a core instance is its memories, globals and tables, and which of its segments were dropped (section
 * "Store" of the WebAssembly specification). A component qualifies when its code can change nothing of that but
 * memories and globals whose values JavaScript can read and write, and when what its modules run as they are instantiated
 * would do the same in every isolate. Everything else is refused, whatever it is. The first state is that of instances
 * that have just been made; where what the component calls as it starts would do the same in every isolate, the one
 * behind that.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { atOnce, type Steps } from "../steps.ts";
import { Writer } from "../writer.ts";
import { ClosedCalls } from "./closed_calls.ts";
import { CORE_KINDS, type CoreModuleShape, SECTION_RANK } from "./core_module.ts";
import { factsOf, type ModuleSource } from "./metering.ts";
import type { CoreModulePlan, Plan } from "./plan.ts";
import {
  type ActiveData,
  activeData,
  HERE,
  NO_SLACK,
  ownerOfMemory,
  PAGES,
  type Slack,
  type SlackPlan,
} from "./slack.ts";
import { trackedCode } from "./track.ts";
import { NOTES_PAGES, type TrackIndices, type Tracking, trackingOf } from "./tracking.ts";

/** Under these names, with a number, a prepared module exports what is to be restored. */
const MEMORY = "skerry:memory-";
const GLOBAL = "skerry:global-";

/** All of our names. Those of Skerry's interfaces have a slash. */
const OURS = /^skerry:[^/]*$/;

/** Mutable globals of these types are numbers or bigints to JavaScript. */
const PLAIN_TYPES = new Set(["i32", "i64", "f32", "f64"]);

/**
 * Whether isolates of this component can be restored.
 *
 * @param bytes of the component
 * @param sources its modules, metered or as they are
 */
export function isRestorable(bytes: Uint8Array, plan: Plan, sources: readonly ModuleSource[]): boolean {
  // The first state is kept when all instances are made and no code has run.
  const firstStart = plan.instances.findIndex((i) => i.start !== undefined);
  if (firstStart >= 0 && plan.instances.slice(firstStart + 1).some((i) => !i.elided)) return false;
  const used = new Set(plan.instances.filter((i) => !i.elided).map((i) => i.module));
  const canKeep = [...used].every((index) =>
    canKeepState(plan.modules[index]!.shape) && factsOf(sources[index]!)?.changesOnlyMemory
  );
  if (!canKeep) return false;
  // A start function runs before the first state is kept: what the host tells it in one request, it would know in all.
  const calls = new ClosedCalls(bytes, plan);
  return plan.instances.every(({ elided, module }, index) => {
    const { startFunction } = plan.modules[module]!.shape;
    return elided || startFunction === undefined || calls.isClosed(index, startFunction);
  });
}

function canKeepState(shape: CoreModuleShape): boolean {
  if (shape.globals.some((g) => g.mutable && !PLAIN_TYPES.has(g.type))) return false;
  if (shape.memories.some(({ limits }) => limits.shared || limits.is64)) return false;
  for (const name of shape.exports.keys()) if (OURS.test(name)) return false;
  return true;
}

/** What is to be known of a module to restore its instances. */
export interface ModuleState {
  /** The names under which the prepared module exports its memories, and its globals. */
  readonly memories: readonly string[];
  readonly globals: readonly string[];
  /** How it keeps note of where it writes: in {@linkcode LOWEST} and {@linkcode SPAN}, or in {@linkcode NOTES}. */
  readonly tracked: Tracking | undefined;
  /** What instantiating it writes into memories, if that is known. */
  readonly data: readonly ActiveData[] | undefined;
}

/** What restoring the isolates of a component takes. It is plain data. */
export interface Restoring {
  /** By module. */
  readonly states: readonly ModuleState[];
  readonly slack: SlackPlan;
  /**
   * Whether the functions that are called as the component starts depend on nothing but their instances: then the state
   * to restore is the one behind them, and they are called once, not in each isolate.
   */
  readonly startsOnce: boolean;
}

/** Between these addresses a tracked module has written: the lowest, and the distance of the highest from it. */
export const LOWEST = "skerry:lowest";
export const SPAN = "skerry:span";
/** A memory with a byte for each page: those that a tracked module has written to are not zero. */
export const NOTES = "skerry:notes";

/**
 * What there is to know once modules and slack are.
 *
 * @param bytes of the component
 */
export function restoringOf(
  bytes: Uint8Array,
  plan: Plan,
  sources: readonly ModuleSource[],
  slack: SlackPlan = NO_SLACK,
  trackings: readonly (Tracking | undefined)[] = trackingsOf(plan, sources),
): Restoring {
  const calls = new ClosedCalls(bytes, plan);
  return {
    states: sources.map((source, index) => stateOf(source, slack.get(index), trackings[index])),
    slack,
    startsOnce: plan.instances.every(({ start }) => start === undefined || calls.isClosedItem(start)),
  };
}

/** By module, how its writes are tracked: pages are noted by all who write to a memory, or by none. */
export function trackingsOf(
  plan: Plan,
  sources: readonly ModuleSource[],
  rangeCodeBytes?: number,
): (Tracking | undefined)[] {
  const trackings = sources.map(({ plan: { shape } }) => trackingOf(shape, rangeCodeBytes));
  const writers = plan.instances.flatMap(({ elided, module }, index) =>
    elided || trackings[module] === undefined ? [] : [{ module, owner: ownerOfMemory(plan, index, 0) }]
  );
  // A module that is instantiated more than once may write to the memories of several.
  for (let before = -1, noted = new Set<number>(); before < noted.size;) {
    before = noted.size;
    noted = new Set(writers.filter(({ module }) => trackings[module] === "pages").map(({ owner }) => owner));
    for (const { module, owner } of writers) if (noted.has(owner)) trackings[module] = "pages";
  }
  return trackings;
}

function stateOf(source: ModuleSource, slack: Slack | undefined, tracked: Tracking | undefined): ModuleState {
  const { shape } = source.plan;
  return {
    memories: ownMemories(shape).map((index) => MEMORY + index),
    globals: [...ownGlobals(shape).map((index) => GLOBAL + index), ...(slack?.kind === "own" ? [PAGES] : [])],
    tracked,
    data: activeData(source),
  };
}

function ownMemories(shape: CoreModuleShape): number[] {
  return shape.memories.map((_, index) => index).slice(shape.importedMemories);
}

function ownGlobals(shape: CoreModuleShape): number[] {
  return shape.globals.map((_, index) => index)
    .filter((index) => index >= shape.importedGlobals && shape.globals[index]!.mutable);
}

/** The module with its state exported, with tracking where that pays, and with its memory's slack. */
export function* preparing(
  bytes: Uint8Array<ArrayBuffer>,
  { start, end, shape }: CoreModulePlan,
  slack?: Slack,
  tracking: Tracking | undefined = trackingOf(shape),
): Steps<Uint8Array<ArrayBuffer>> {
  const sections = yield* preparedSections(bytes, shape, slack, tracking);
  if (sections.size === 0) return bytes.subarray(start, end);
  // In the order of a module: one that was not there before goes before the first that comes after it.
  const changed = [...sections].sort(([a], [b]) => SECTION_RANK[a]! - SECTION_RANK[b]!);
  let length = end - start;
  for (const [, content] of changed) length += content.length + 6;
  const out = new Writer(length);
  let next = 0;
  const writeUpTo = (rank: number) => {
    for (; next < changed.length && SECTION_RANK[changed[next]![0]]! <= rank; next++) {
      const [id, content] = changed[next]!;
      out.u8(id);
      out.u32(content.length);
      out.raw(content);
    }
  };
  out.raw(bytes.subarray(start, start + 8));
  const r = new Reader(bytes, shape.name, start + 8, end);
  while (!r.done) {
    const at = r.pos;
    const id = r.u8();
    r.take(r.u32(), "section");
    if (id !== 0) writeUpTo(SECTION_RANK[id]!);
    if (!sections.has(id)) out.raw(bytes.subarray(at, r.pos));
  }
  writeUpTo(Infinity);
  return out.bytes;
}

/** The same without a pause. */
export function prepared(...module: Parameters<typeof preparing>): Uint8Array<ArrayBuffer> {
  return atOnce(preparing(...module));
}

/** The sections that differ from the original's, by their ids. */
function* preparedSections(
  bytes: Uint8Array,
  shape: CoreModuleShape,
  slack: Slack | undefined,
  tracking: Tracking | undefined,
): Steps<Map<number, Uint8Array>> {
  const isMoved = slack?.kind === "imported";
  const moved = (global: number) => isMoved && global >= shape.importedGlobals ? global + 1 : global;
  const exports: [name: string, kind: number, index: number][] = [
    ...ownMemories(shape).map((index): [string, number, number] => [MEMORY + index, 2, index]),
    ...ownGlobals(shape).map((index): [string, number, number] => [GLOBAL + index, 3, moved(index)]),
  ];
  const sections = new Map<number, Uint8Array>();
  const added: number[] = [];
  const addGlobal = (initial: number) => moved(shape.globals.length + added.push(initial) - 1);
  if (tracking !== undefined) {
    // Nothing written yet is -1.
    const range = tracking === "range" ? { lowest: addGlobal(-1), span: addGlobal(0) } : undefined;
    if (range === undefined) exports.push([NOTES, 2, 1]);
    else exports.push([LOWEST, 3, range.lowest], [SPAN, 3, range.span]);
    const indices: TrackIndices = {
      ...(range && { range }),
      touch: shape.functions.length,
      movedGlobals: isMoved ? shape.importedGlobals : Infinity,
      ...(slack && {
        slack: {
          pages: isMoved ? shape.importedGlobals : addGlobal(slack.declared),
          grow: shape.functions.length + 1,
        },
      }),
    };
    if (slack?.kind === "own") exports.push([PAGES, 3, indices.slack!.pages]);
    sections.set(10, yield* trackedCode(bytes, shape, indices));
    const helpers = slack === undefined ? 1 : 2;
    sections.set(
      1,
      extended(bytes, shape, 1, helpers, (w) => {
        if (tracking === "range") w.u8(0x60, 1, 0x7f, 0);
        else w.u8(0x60, 2, 0x7f, 0x7f, 0);
        if (slack !== undefined) w.u8(0x60, 1, 0x7f, 1, 0x7f);
      }),
    );
    sections.set(
      3,
      extended(bytes, shape, 3, helpers, (w) => {
        for (let i = 0; i < helpers; i++) w.u32(shape.types + i);
      }),
    );
  } else if (slack?.kind === "own") {
    // No code, and so nobody who grows it here.
    exports.push([PAGES, 3, addGlobal(slack.declared)]);
  }
  const real = slack?.kind === "own" ? slack.real : undefined;
  if (real !== undefined || tracking === "pages") sections.set(5, memoriesOf(shape, real, tracking === "pages"));
  if (isMoved) {
    sections.set(
      2,
      extended(bytes, shape, 2, 1, (w) => {
        w.string(HERE);
        w.string(PAGES);
        w.u8(3, 0x7f, 1);
      }),
    );
  }
  if (added.length > 0) {
    sections.set(
      6,
      extended(bytes, shape, 6, added.length, (w) => {
        for (const initial of added) {
          w.u8(0x7f, 1, 0x41);
          w.s32(initial);
          w.u8(0x0b);
        }
      }),
    );
  }
  if (exports.length > 0) {
    const all = isMoved ? [...exportsOf(shape, moved), ...exports] : exports;
    const write = (w: Writer) => {
      for (const [name, kind, index] of all) {
        w.string(name);
        w.u8(kind);
        w.u32(index);
      }
    };
    if (isMoved) {
      const out = new Writer();
      out.u32(all.length);
      write(out);
      sections.set(7, out.bytes);
    } else sections.set(7, extended(bytes, shape, 7, all.length, write));
  }
  return sections;
}

function exportsOf(
  { exportIndices }: CoreModuleShape,
  moved: (global: number) => number,
): [name: string, kind: number, index: number][] {
  return [...exportIndices].map(([name, { kind, index }]) => [
    name,
    CORE_KINDS.indexOf(kind),
    kind === "global" ? moved(index) : index,
  ]);
}

/** The memory section, with another size at first if `real` says so, and with the memory of the notes if there are any. */
function memoriesOf(
  { memories, importedMemories }: CoreModuleShape,
  real: number | undefined,
  notes: boolean,
): Uint8Array {
  const sizes: [min: number, max: number | undefined][] = memories.slice(importedMemories).map(({ limits }) => [
    real ?? Number(limits.min),
    limits.max === undefined ? undefined : Number(limits.max),
  ]);
  if (notes) sizes.push([NOTES_PAGES, NOTES_PAGES]);
  const out = new Writer();
  out.u32(sizes.length);
  for (const [min, max] of sizes) {
    out.u8(max === undefined ? 0 : 1);
    out.u32(min);
    if (max !== undefined) out.u32(max);
  }
  return out.bytes;
}

/** A section that is a vector, with `count` more items at its end. */
function extended(
  bytes: Uint8Array,
  shape: CoreModuleShape,
  id: number,
  count: number,
  more: (w: Writer) => void,
): Uint8Array {
  const out = new Writer();
  const section = shape.sections.get(id);
  if (section === undefined) out.u32(count);
  else {
    const r = new Reader(bytes, shape.name, section.start, section.end);
    out.u32(r.u32() + count);
    out.raw(bytes.subarray(r.pos, section.end));
  }
  more(out);
  return out.bytes;
}
