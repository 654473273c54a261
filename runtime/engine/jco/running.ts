/**
 * When guest code of an isolate runs: it is metered, and suspended where nothing stands in the way.
 *
 * Generated code calls core functions as it likes. So that it is known when one runs, and on what kind of stack, it gets
 * wrapped ones. What goes from one core instance into another is not: there must be no JavaScript in between. Hoisted code
 * says which is which; in other code all are wrapped, and unwrapped again.
 *
 * @module
 */
import type { Task } from "../../task.ts";
import { CpuClock } from "../cpu.ts";
import { onStack } from "../stacks.ts";
import { uncatchable } from "../uncatchable.ts";
import { Growth } from "../growth.ts";
import { called, type Fuel, METER, type Meter, type MeteredIsolate, moved, noFuel, type Running } from "../metering.ts";

// deno-lint-ignore no-explicit-any -- core values of any signature
type CoreFunction = (...args: any[]) => any;

// TypeScript's library does not know them yet.
const jspi = WebAssembly as unknown as {
  promising(func: CoreFunction): (...args: unknown[]) => Promise<unknown>;
  Suspending: new (func: CoreFunction) => WebAssembly.ImportValue;
};

/** What a wrapped function calls. */
const unwrapped = new WeakMap<CoreFunction, CoreFunction>();

/** What the guest's state has to know of its isolate. */
export interface Owner {
  readonly task: Task;
  /** Whether nothing of the isolate may run any more. */
  readonly stopped: boolean;
  /** Ends it for an error of its guest. Answers the first there was. */
  trapped(error: Error): Error;
}

/** The guest code of one isolate, as it runs and stops. */
export class GuestCode implements Running, MeteredIsolate {
  readonly clock: CpuClock;
  readonly fuel: Fuel = noFuel();
  readonly #exports: WebAssembly.Exports[] = [];
  readonly growth: Growth = new Growth();
  /** jco's record of which task runs in which component. Another may run while a guest lets others run. */
  readonly taskMeta: Record<string, unknown> = {};
  /** jco takes for a deadlock what waits for nothing that it knows of. */
  readonly asyncState = { deadlockCheck: null as unknown, pendingHostOperations: 0 };
  canSuspend = false;
  readonly #owner: Owner;
  readonly #imports: WebAssembly.ModuleImports | undefined;
  /** How many of its stacks guest code runs or waits on. */
  #stacks = 0;

  constructor(owner: Owner, meter: Meter | undefined) {
    this.#owner = owner;
    this.clock = meter?.clock(owner.task) ?? new CpuClock(owner.task);
    this.#imports = meter && {
      look: (fuel: number) => meter.look(this, fuel),
      wait: new jspi.Suspending((why: number) => this.suspended(this.#awaited(meter.wait(this, why)))),
      grow: (kind: number, _index: number, total: number, delta: number) => meter.grow(this, kind, total, delta),
    };
  }

  get isolate(): this {
    return this;
  }

  get task(): Task {
    return this.#owner.task;
  }

  get over(): boolean {
    return this.#owner.stopped;
  }

  failed(error: Error): Error {
    return this.#owner.trapped(error);
  }

  async #awaited<T>(promise: Promise<T>): Promise<T> {
    this.asyncState.pendingHostOperations++;
    const result = await promise;
    this.asyncState.pendingHostOperations--;
    return result;
  }

  /** Counts what goes between the guest and the host. */
  moved(bytes: number): void {
    moved(this.fuel, bytes, this.#exports);
  }

  /** Counts a call of the host. */
  called(): void {
    called(this.fuel, this.clock, this.#exports);
  }

  /** `promise` for a suspended guest: as it settles, the guest runs again, just as it was. */
  suspended<T>(promise: Promise<T>): Promise<T> {
    this.clock.stop();
    const { taskMeta } = this;
    const saved = { ...taskMeta };
    const resume = () => {
      for (const key in taskMeta) delete taskMeta[key];
      Object.assign(taskMeta, saved);
      this.canSuspend = true;
      this.clock.start();
    };
    // The engine resumes the guest by the next reaction on the same promise: nothing comes between them.
    promise.then(resume, resume);
    return promise;
  }

  /** `WebAssembly.promising` for what may be a wrapped function. */
  readonly promising = (func: CoreFunction): CoreFunction => {
    const call = jspi.promising(unwrapped.get(func) ?? func);
    return (...args) => {
      const running = this.#run(this.#stacks > 0 ? this.#onFurtherStack(call) : call, args, true);
      this.#stacks++;
      const stop = () => {
        this.#stacks--;
        this.clock.stop();
      };
      running.then(stop, stop);
      return running;
    };
  };

  /** `call`, which others of the isolate's wait beside. */
  #onFurtherStack<T>(call: (...args: unknown[]) => Promise<T>): typeof call {
    return (...args) => {
      try {
        return onStack(this.task, call, ...args);
      } catch (error) {
        throw uncatchable(this.failed(error as Error));
      }
    };
  }

  /** Makes a core instance. Its functions are wrapped. */
  instantiateWrapped(module: WebAssembly.Module, imports: WebAssembly.Imports = {}): { exports: WebAssembly.Exports } {
    const given: WebAssembly.Imports = Object.create(null);
    for (const [name, fields] of Object.entries(imports)) given[name] = bare(fields);
    const { exports } = this.instantiate(module, given);
    const wrapped: Record<string, WebAssembly.ExportValue> = Object.create(null);
    for (const [name, value] of Object.entries(exports)) {
      const func = typeof value === "function" ? this.wrapped(value as CoreFunction, name) : undefined;
      if (func !== undefined) unwrapped.set(func, value as CoreFunction);
      wrapped[name] = func ?? value;
    }
    return { exports: wrapped };
  }

  /** Makes a core instance, with imports that are its own alone. Its functions are as they are. */
  instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports = {}): { exports: WebAssembly.Exports } {
    if (this.#imports !== undefined) imports[METER] = this.#imports;
    const { exports } = this.#run(() => new WebAssembly.Instance(module, imports), [], false);
    this.#exports.push(exports);
    for (const name of exportedMemories(module)) this.#count(exports[name] as WebAssembly.Memory, imports);
    return { exports };
  }

  /** A core function as host code may call it. */
  wrapped(func: CoreFunction, name: string): CoreFunction {
    // By the names that toolchains give it. What the host makes for the guest goes through here: old, its size, alignment, size.
    return name.includes("realloc")
      ? (...args: unknown[]) => {
        this.moved(Number(args[3]));
        return this.#run(func, args, false);
      }
      : (...args: unknown[]) => this.#run(func, args, false);
  }

  /** Runs guest code; `canSuspend` only where there is no JavaScript on its stack. */
  #run<T>(func: (...args: unknown[]) => T, args: unknown[], canSuspend: boolean): T {
    const { clock, canSuspend: outer } = this;
    const begins = !clock.running;
    if (begins) clock.start();
    this.canSuspend = canSuspend;
    try {
      return func(...args);
    } finally {
      this.canSuspend = outer;
      if (begins) clock.stop();
    }
  }

  #count(memory: WebAssembly.Memory, imports: WebAssembly.Imports): void {
    const own = !Object.values(imports).some((fields) => Object.values(fields).includes(memory));
    if (own) this.task.memory?.made(memory);
  }
}

const memories = new WeakMap<WebAssembly.Module, readonly string[]>();

/** The names of the memories that a module exports: V8 lists exports slowly, and a module has many instances. */
function exportedMemories(module: WebAssembly.Module): readonly string[] {
  let names = memories.get(module);
  if (names === undefined) {
    names = WebAssembly.Module.exports(module).flatMap(({ kind, name }) => kind === "memory" ? [name] : []);
    memories.set(module, names);
  }
  return names;
}

/** Fields as a core instance gets them. */
function bare(fields: WebAssembly.ModuleImports): WebAssembly.ModuleImports {
  const given: WebAssembly.ModuleImports = Object.create(null);
  for (const [name, value] of Object.entries(fields)) {
    given[name] = unwrapped.get(value as CoreFunction) ?? value;
  }
  return given;
}
