/**
 * From a component's plan to what is compiled.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { GrowthLimits } from "../growth.ts";
import { atOnce, inTurns, type Steps } from "../steps.ts";
import { metered, type ModuleSource } from "./metering.ts";
import type { Plan } from "./plan.ts";
import { isRestorable, preparing, type Restoring, restoringOf, trackingsOf } from "./restorable.ts";
import { namesOneMemory, slackOf } from "./slack.ts";

/**
 * Modules up to this size are compiled at once: others cannot run meanwhile, but V8 compiles only what is called, and a
 * turn of the event loop and another thread take longer.
 */
const MAX_AT_ONCE_BYTES = 256 * 1024;

/** What stands for a module of which nothing is ever made. */
const NOTHING = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));

/** What is built into the modules. */
export interface Preparation {
  readonly restore: boolean;
  /** Without them nothing is metered. */
  readonly limits: GrowthLimits | undefined;
  /** How many pages the memories may still grow by. */
  readonly left?: number | undefined;
  /** Modules with more code note the pages that they write to; see `track.ts`. */
  readonly rangeCodeBytes?: number | undefined;
}

/** The core modules as they are compiled, and what restoring their instances takes, if that is possible. */
export interface PreparedCode {
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  readonly restoring: Restoring | undefined;
  /** Whether any of them makes objects in the host's heap. */
  readonly allocates: boolean;
}

/**
 * Rewrites the core modules of a component. Others run meanwhile if it is large: it may be loaded while they are served.
 *
 * @throws {SkerryError} as metering does.
 */
export async function prepareInTurns(
  bytes: Uint8Array<ArrayBuffer>,
  plan: Plan,
  preparation: Preparation,
): Promise<PreparedCode> {
  const steps = preparedCode(bytes, plan, preparation);
  return bytes.length <= MAX_AT_ONCE_BYTES ? atOnce(steps) : await inTurns(steps);
}

/** The same without a pause. */
export function prepare(bytes: Uint8Array<ArrayBuffer>, plan: Plan, preparation: Preparation): PreparedCode {
  return atOnce(preparedCode(bytes, plan, preparation));
}

function* preparedCode(
  bytes: Uint8Array<ArrayBuffer>,
  plan: Plan,
  { left, limits, rangeCodeBytes, restore }: Preparation,
): Steps<PreparedCode> {
  const sources: ModuleSource[] = limits
    ? yield* metered(bytes, plan, limits)
    : plan.modules.map((module) => ({ bytes, plan: module }));
  const allocates = sources.some((source) => source.allocates === true);
  const bare = ({ bytes, plan }: ModuleSource) => bytes.subarray(plan.start, plan.end);
  if (!restore || !isRestorable(bytes, plan, sources)) {
    return { modules: sources.map(bare), restoring: undefined, allocates };
  }
  const slack = slackOf(sources, plan.instances, left);
  const trackings = trackingsOf(plan, sources, rangeCodeBytes);
  const used = new Set(plan.instances.filter((instance) => !instance.elided).map((instance) => instance.module));
  // With a memory more, what names one that is not there would be valid, and the guest could forge the notes in it. What
  // tracks its code refuses what does; the rest of the module is looked through here. Where that is not understood, the
  // compiler is asked, which takes a tenth of a second for a JavaScript engine.
  const isInvalid = (source: ModuleSource, i: number) =>
    trackings[i] === "pages" && !namesOneMemory(source) && !WebAssembly.validate(bare(source));
  const modules: Uint8Array<ArrayBuffer>[] = [];
  for (const [i, source] of sources.entries()) {
    yield;
    const asItIs = !used.has(i) || isInvalid(source, i);
    modules.push(asItIs ? bare(source) : yield* preparing(source.bytes, source.plan, slack.get(i), trackings[i]));
  }
  return {
    modules,
    restoring: restoringOf(bytes, plan, sources, slack, trackings),
    allocates,
  };
}

/** What V8 says of code that is valid and more than it takes, or that it has no memory for. */
const OVER_LIMIT = /exceeds internal limit|> maximum (?:function|module) size|out of memory/i;

/**
 * Compiles the modules of a plan.
 *
 * @throws {SkerryError} `component-malformed`; `component-over-limit` for what is more than V8 takes.
 */
export async function compile(plan: Plan, code: PreparedCode): Promise<WebAssembly.Module[]> {
  return await Promise.all(plan.modules.map(async ({ shape, start }, i) => {
    const bytes = code.modules[i]!;
    if (bytes.length === 0) return NOTHING;
    try {
      return bytes.length <= MAX_AT_ONCE_BYTES ? new WebAssembly.Module(bytes) : await WebAssembly.compile(bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SkerryError(
        OVER_LIMIT.test(why) ? "component-over-limit" : "component-malformed",
        `compiling ${shape.name}: ${why}, in the core module at offset 0x${start.toString(16)}`,
        { cause: error },
      );
    }
  }));
}
