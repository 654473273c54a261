/**
 * Metered core modules in this engine: what is added to them as they are loaded, and what the host does when they ask.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { MemoryNeed } from "../../memory.ts";
import type { GrowthLimits } from "../growth.ts";
import { meterModule, WAIT_GROW } from "../meter/mod.ts";
import { coreModuleShape } from "./core_module.ts";
import { fairTurn } from "./cpu.ts";
import type { NativeIsolate } from "./isolate.ts";
import type { CoreModulePlan, Plan } from "./plan.ts";
import { now, resuming, suspending } from "./thread.ts";

/** Under this name metered modules import the hooks. */
export const METER = "skerry:meter";

/** What a guest may do before it asks for the first time: less than a millisecond's work, and more than most requests. */
const FIRST_FUEL = 200_000;

/** How often a guest that runs asks. */
const LOOK_MS = 1;

/** How long a guest may keep others from running where it can be suspended: a turn costs it a millisecond or two. */
const TURN_MS = 2;

/**
 * How long a guest may run where it cannot be suspended, and so keeps everyone else from running: in an allocator, a
 * destructor, a `post-return`, a start function.
 */
export const MAX_UNYIELDING_MS = 250;

/** The most that is granted at once, so that a wrong guess of the guest's speed is soon put right. */
const MAX_GRANT = 50_000_000;

/** The section of tags. */
const TAGS = 13;

const PAGE_BYTES = 65_536;
const PAGES_PER_MB = 16;

/** What `look` and `wait` answer so that the guest traps. */
const END = -1;
/** What `look` answers so that `wait` is called, which may suspend the guest. */
const WAIT = 0;

/** A core module as it will be compiled. */
export interface ModuleSource {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of these bytes. */
  readonly plan: CoreModulePlan;
}

/** The modules of a component, with metering and bounds added. */
export function metered(bytes: Uint8Array<ArrayBuffer>, { modules }: Plan, limits: GrowthLimits): ModuleSource[] {
  // What one module throws unwinds the functions of others.
  const throws = modules.some(({ shape }) => shape.sections.has(TAGS) || shape.imports.some((i) => i.kind === "tag"));
  return modules.map((module) => meteredModule(bytes, module, limits, throws));
}

function meteredModule(
  bytes: Uint8Array<ArrayBuffer>,
  plan: CoreModulePlan,
  limits: GrowthLimits,
  throws: boolean,
): ModuleSource {
  const { name } = plan.shape;
  const { bytes: made } = meterModule(bytes.subarray(plan.start, plan.end), {
    name,
    namespace: METER,
    fuel: FIRST_FUEL,
    ...(throws ? { exceptions: true } : {}),
    // Growing always asks: what an isolate has is counted over all its modules.
    memory: { max: limits.memoryMb * PAGES_PER_MB, ask: 0 },
    table: { max: limits.tableElements, ask: 0 },
  });
  return { bytes: made, plan: { start: 0, end: made.length, shape: coreModuleShape(made, 0, made.length, name) } };
}

/**
 * Refuses a component whose instances need more from the start than an isolate may have in all. Answers how many pages
 * of memory they have, and how many more they may get.
 *
 * @throws {SkerryError} `component-over-limit`
 */
export function initialGrowth(plan: Plan, limits: GrowthLimits): { pages: number; left: number } {
  const pages = initialMemory(plan).bytes / PAGE_BYTES;
  if (pages > limits.memoryMb * PAGES_PER_MB) {
    throw new SkerryError(
      "component-over-limit",
      `loading ${plan.name}: its memories begin with ${Math.ceil(pages / PAGES_PER_MB)} MiB, and limits.memoryMb is ` +
        `${limits.memoryMb}; raise it`,
    );
  }
  return { pages, left: limits.memoryMb * PAGES_PER_MB - pages };
}

/** What the core instances of an isolate begin with. */
export function initialMemory({ instances, modules }: Plan): MemoryNeed {
  let bytes = 0, memories = 0;
  for (const { elided, module } of instances) {
    if (elided) continue;
    const { shape } = modules[module]!;
    for (const { limits } of shape.memories.slice(shape.importedMemories)) {
      bytes += Number(limits.min) * 2 ** (limits.pageSizeLog2 ?? 16);
      memories++;
    }
  }
  return { bytes, memories };
}

/** The hooks of one linked component, the same for all its isolates. */
export class Meter {
  readonly #limits: GrowthLimits;
  readonly #pages: number;
  /** How much of what is granted its code uses in a millisecond: measured, for it depends on the code and the machine. */
  #perMs = FIRST_FUEL;

  constructor(limits: GrowthLimits, initial: { readonly pages: number }) {
    this.#limits = limits;
    this.#pages = initial.pages;
  }

  /** What metered modules import. */
  readonly imports: WebAssembly.ModuleImports = {
    look: () => this.#look(),
    wait: suspending((why: number) => this.#wait(why)),
    grow: (kind: number, _index: number, total: number, delta: number) => this.#grow(kind, total, delta),
  };

  /** The guest's fuel has run out: how much more it gets. */
  #look(): number {
    const { thread } = now;
    const { isolate } = thread;
    if (isolate.over) return END;
    const { task, clock, fuel } = isolate;
    const time = performance.now();
    const sliceMs = clock.sliceMs(time);
    const cpuMs = task.cpuMs + sliceMs;
    if (cpuMs > task.limits.cpuMs) {
      task.countLimit("cpuMs");
      return end(isolate, `no end after ${task.limits.cpuMs} ms of CPU time (limits.cpuMs)`);
    }
    // Its timer cannot fire while the guest runs.
    if (task.expire()) return END;
    if (fuel.granted > 0 && cpuMs > fuel.atMs) {
      // By a factor at most: a collection of garbage may have taken most of the time.
      const measured = fuel.granted / (cpuMs - fuel.atMs);
      this.#perMs = Math.min(Math.max(measured, this.#perMs / 2, 1000), this.#perMs * 2);
    }
    fuel.granted = Math.min(Math.floor(this.#perMs * LOOK_MS), MAX_GRANT);
    fuel.atMs = cpuMs;
    if (thread.canSuspend) return sliceMs >= TURN_MS ? WAIT : fuel.granted;
    if (sliceMs > MAX_UNYIELDING_MS) {
      task.countLimit("cpuMs");
      return end(isolate, `no end after ${MAX_UNYIELDING_MS} ms where it cannot be suspended to let others run`);
    }
    return fuel.granted;
  }

  /** Lets others run, or waits for memory. */
  #wait(why: number): Promise<number> {
    const { thread } = now;
    const { isolate } = thread;
    const waited = why === WAIT_GROW
      ? isolate.growth.wait(isolate.task)
      : fairTurn(isolate.task.function).then(() => isolate.fuel.granted);
    return resuming(thread, waited.then((answer) => isolate.over ? END : answer));
  }

  #grow(kind: number, total: number, delta: number): number {
    const { thread } = now;
    const { isolate } = thread;
    const asker = { task: isolate.task, limits: this.#limits, pages: this.#pages, mayWait: thread.canSuspend };
    return isolate.growth.ask(asker, kind, total, delta);
  }
}

function end(isolate: NativeIsolate, why: string): number {
  isolate.failed(new SkerryError("cpu-limit", `running ${isolate.task.function}: ${why}`));
  return END;
}
