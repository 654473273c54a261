/**
 * Metered guests: what is added to their core modules as they are loaded, and what the host does when they ask.
 *
 * It is the same for all engines. They differ in how they know which guest is running, and in how they suspend it.
 *
 * @module
 */
import { enterTask } from "../context.ts";
import { SkerryError } from "../errors.ts";
import { MAX_CONSTANT_BYTES, MAX_START_STEPS } from "../limits.ts";
import { fairTurn } from "../streams/turn.ts";
import type { Task } from "../task.ts";
import { CpuClock } from "./cpu.ts";
import type { Growth, GrowthLimits } from "./growth.ts";
import { HeapUse, isHeapTight, MOST_FUEL } from "./heap.ts";
import { type Metered, meterSteps, WAIT_GROW } from "./meter/mod.ts";
import { Pace } from "./meter/pace.ts";
import type { Steps } from "./steps.ts";

/** Under this name metered modules import the hooks. */
export const METER = "skerry:meter";

/** Under this one they export what they count down. */
const COUNTER = `${METER}/fuel`;

/** What a guest may do before it asks for the first time: less than a millisecond's work, and more than most requests. */
const FIRST_FUEL = 200_000;

/** How long a guest may keep others from running where it can be suspended: a turn costs it a millisecond or two. */
const TURN_MS = 1.5;

/**
 * How long a guest may run where it cannot be suspended, and so keeps everyone else from running: in an allocator, a
 * destructor, a `post-return`, a start function.
 */
export const MAX_UNYIELDING_MS = 250;

const PAGE_BYTES = 65_536;
const PAGES_PER_MB = 16;

/** After so many bytes a guest looks: what the host does with them no fuel is used for. */
const LOOK_AFTER_BYTES = 256 * 1024;

/**
 * After so many calls of the host at most it is looked how long the guest has run: what a call costs it is its least price,
 * and a file may be made longer, a path have thousands of names, and a line of text be as short as a newline. Whose calls
 * take long is looked at after each.
 */
const MOST_CALLS = 16;

/** What `look` and `wait` answer so that the guest traps. */
const END = -1;
/** What `look` answers so that `wait` is called, which may suspend the guest. */
const WAIT = 0;

/** What the meter has to know of an isolate. */
export interface MeteredIsolate {
  readonly task: Task;
  readonly clock: CpuClock;
  /** Whether it may not run any more. */
  readonly over: boolean;
  readonly fuel: Fuel;
  readonly growth: Growth;
  /** Ends it for an error of its guest. */
  failed(error: unknown): unknown;
}

/** What metered code of one isolate was last granted; 0 before the first time. */
export interface Fuel {
  granted: number;
  /** What its task had computed by then, in milliseconds. */
  atMs: number;
  /** What has gone between guest and host since it last looked, in bytes. */
  moved: number;
  /** How often it may call the host until the clock is looked at, and how often it may in all. */
  calls: number;
  mayCall: number;
  /** Whether it looks for either, and not because its fuel is used up. */
  early: boolean;
}

/** Of an isolate that has done nothing. */
export function noFuel(): Fuel {
  return { granted: 0, atMs: 0, moved: 0, calls: MOST_CALLS, mayCall: MOST_CALLS, early: false };
}

/**
 * Counts what goes between a guest and the host. The guest looks before it goes on when that is a lot: the host's work for a
 * few calls may take as long as millions of instructions.
 *
 * @param exports Of all its core instances.
 */
export function moved(fuel: Fuel, bytes: number, exports: AllExports): void {
  if ((fuel.moved += bytes) < LOOK_AFTER_BYTES) return;
  fuel.moved = 0;
  lookSoon(fuel, exports);
}

/** Counts a call of the host. The guest looks before it goes on when it has kept others from running for too long. */
export function called(fuel: Fuel, clock: CpuClock, exports: AllExports): void {
  if (--fuel.calls > 0) return;
  const long = clock.sliceMs(performance.now()) >= TURN_MS;
  fuel.calls = fuel.mayCall = long ? 1 : Math.min(fuel.mayCall * 2, MOST_CALLS);
  if (long) lookSoon(fuel, exports);
}

type AllExports = Iterable<WebAssembly.Exports | undefined>;

function lookSoon(fuel: Fuel, exports: AllExports): void {
  fuel.early = true;
  for (const all of exports) {
    const counter = all?.[COUNTER] as WebAssembly.Global | undefined;
    if (counter !== undefined) counter.value = -1;
  }
}

/** Guest code that runs. */
export interface Running {
  readonly isolate: MeteredIsolate;
  /** Whether it can be suspended where it is: there is nothing but core code on its stack. */
  readonly canSuspend: boolean;
}

/** One core module, with metering and bounds added. */
export function* meter(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  limits: GrowthLimits,
  exceptions?: boolean,
): Steps<Metered> {
  const options = {
    name,
    namespace: METER,
    ...(exceptions === undefined ? {} : { exceptions }),
    // Growing always asks: what an isolate has is counted over all its modules.
    memory: { max: limits.memoryMb * PAGES_PER_MB, ask: 0 },
    table: { max: limits.tableElements, ask: 0 },
  };
  const metered = yield* meterSteps(bytes, { ...options, fuel: FIRST_FUEL });
  return metered.allocates ? yield* meterSteps(bytes, { ...options, fuel: MOST_FUEL }) : metered;
}

/** The core modules of a component: what one of them throws may unwind the functions of others. */
export function* meterAll(
  modules: readonly Uint8Array<ArrayBuffer>[],
  name: string,
  limits: GrowthLimits,
): Steps<readonly Metered[]> {
  const metered: Metered[] = [];
  for (const bytes of modules) metered.push(yield* meter(bytes, name, limits));
  if (!metered.some(({ exceptions }) => exceptions)) return metered;
  for (const [i, { exceptions }] of metered.entries()) {
    if (!exceptions) metered[i] = yield* meter(modules[i]!, name, limits, true);
  }
  return metered;
}

/**
 * How many pages memories of `bytes` in all may still grow by.
 *
 * @throws {SkerryError} `component-over-limit`
 */
export function pagesLeft(bytes: number, name: string, { memoryMb }: GrowthLimits): number {
  const left = memoryMb * PAGES_PER_MB - bytes / PAGE_BYTES;
  if (left >= 0) return left;
  throw new SkerryError(
    "component-over-limit",
    `loading ${name}: its memories begin with ${Math.ceil(bytes / PAGE_BYTES / PAGES_PER_MB)} MiB, and ` +
      `limits.memoryMb is ${memoryMb}; raise it`,
  );
}

/**
 * Looks what the tables of a component's isolates begin with, of all instances of its modules together: what each module may
 * have is checked where it is rewritten, and a thousand instances take a line each.
 *
 * @throws {SkerryError} `component-over-limit`
 */
export function checkElements(elements: number, name: string, { tableElements }: GrowthLimits): void {
  if (elements <= tableElements) return;
  throw new SkerryError(
    "component-over-limit",
    `loading ${name}: its tables begin with ${elements} elements, and limits.tableElements is ${tableElements}; raise it`,
  );
}

/** What the tables that a module defines begin with. */
export function elementsOf({ tables }: Pick<Metered, "tables">): number {
  return tables.reduce((sum, { imported, min }) => imported ? sum : sum + Number(min), 0);
}

/**
 * Looks what a component's isolates begin with in the host's heap: no limit is asked while an instance is made.
 *
 * @param bytes Of all instances of its modules.
 * @throws {SkerryError} `component-over-limit`
 */
export function checkConstants(bytes: number, name: string): void {
  if (bytes <= MAX_CONSTANT_BYTES) return;
  const size = Number.isFinite(bytes) ? `take up to ${bytes} bytes` : "may be of any size";
  throw new SkerryError(
    "component-over-limit",
    `loading ${name}: the objects that its globals and tables begin with ${size} of the host's heap, and ` +
      `${MAX_CONSTANT_BYTES} are what there is for each isolate. Make them when they are needed.`,
  );
}

/**
 * Looks how long it takes to make the core instances of an isolate: no limit is asked meanwhile, and nobody else runs.
 *
 * @param steps Of all instances of its modules.
 * @throws {SkerryError} `component-over-limit`
 */
export function checkStart(steps: number, name: string): void {
  if (steps <= MAX_START_STEPS) return;
  throw new SkerryError(
    "component-over-limit",
    `loading ${name}: the imports, exports, globals, tables and segments of its core instances take ${steps} steps for ` +
      `each isolate, and may take ${MAX_START_STEPS}. Have fewer of them, or fewer instances.`,
  );
}

export interface MeterOptions {
  readonly limits: GrowthLimits;
  /** What its memories begin with. */
  readonly bytes: number;
  /** What its tables begin with. */
  readonly elements: number;
  /** Whether any of its modules makes objects in the host's heap. */
  readonly allocates: boolean;
}

/** The host's side of the hooks of one linked component, the same for all its isolates. */
export class Meter {
  readonly #options: MeterOptions;
  /** How much of what is granted its code uses in a millisecond: it depends on the code and the machine. */
  readonly #pace = new Pace();

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /** Counts what an isolate of `task` takes. */
  clock(task: Task): CpuClock {
    return new CpuClock(task, this.#options.allocates ? new HeapUse() : undefined);
  }

  /**
   * The guest's fuel has run out: how much more it gets.
   *
   * @param fuel what is left: below zero by what it is about to pay
   */
  look({ isolate, canSuspend }: Running, fuel: number): number {
    if (isolate.over) return END;
    const { task, clock, fuel: use } = isolate;
    // Whoever stopped it: this is guest code that runs.
    clock.start();
    const now = clock.look();
    const sliceMs = clock.sliceMs(now);
    const cpuMs = clock.cpuMs(now);
    if (cpuMs > task.limits.cpuMs) {
      task.countLimit("cpuMs");
      return end(isolate, "cpu-limit", `no end after ${task.limits.cpuMs} ms of CPU time (limits.cpuMs)`);
    }
    // Its timer cannot fire while the guest runs.
    if (canSuspend ? task.expire() : task.ended) return END;
    if (task.overdue) {
      // Here the guest may have left no stack to end the task on: with half its clean-up its place would be lost for good.
      task.countLimit("wallMs");
      return end(isolate, "deadline-exceeded", "no end before its deadline (limits.wallMs)");
    }
    if (use.granted > 0 && cpuMs > use.atMs && !use.early) this.#pace.took(cpuMs - use.atMs);
    use.moved = 0;
    use.early = false;
    use.granted = this.#pace.grant;
    use.atMs = cpuMs;
    if (clock.heap === undefined && isHeapTight(now)) clock.watch(new HeapUse(false));
    if (clock.heap !== undefined) {
      const over = clock.heap.look(this.#options.limits.memoryMb, -fuel);
      if (over !== undefined) {
        task.countLimit("memoryMb");
        return end(isolate, "guest-trapped", over);
      }
      if (clock.heap.makesObjects) use.granted = Math.min(use.granted, MOST_FUEL);
    }
    if (canSuspend) return sliceMs >= TURN_MS ? WAIT : use.granted;
    if (clock.computedMs(now) > MAX_UNYIELDING_MS) {
      task.countLimit("cpuMs");
      const why = `no end after ${MAX_UNYIELDING_MS} ms where it cannot be suspended to let others run`;
      return end(isolate, "cpu-limit", why);
    }
    return use.granted;
  }

  /** Lets others run, or waits for memory. */
  async wait({ isolate }: Running, why: number): Promise<number> {
    const { task, fuel, growth, clock } = isolate;
    enterTask();
    if (why === WAIT_GROW) {
      const answer = await growth.wait(task);
      return isolate.over ? END : answer;
    }
    await fairTurn(task.function);
    clock.turned();
    // What others did meanwhile is over; from here on the guest has the processor, or somebody else's process has.
    clock.look();
    return isolate.over ? END : fuel.granted;
  }

  /** Whether something may grow; hears what has been refused. */
  grow({ isolate, canSuspend }: Running, kind: number, total: number, delta: number): number {
    const { limits, bytes, elements } = this.#options;
    const asker = { task: isolate.task, limits, pages: bytes / PAGE_BYTES, elements, mayWait: canSuspend };
    return isolate.growth.ask(asker, kind, total, delta);
  }
}

function end(isolate: MeteredIsolate, code: "cpu-limit" | "deadline-exceeded" | "guest-trapped", why: string): number {
  isolate.failed(new SkerryError(code, `running ${isolate.task.function}: ${why}`));
  return END;
}
