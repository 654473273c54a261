/**
 * One isolate: the core instances of a component, and the state that the Component Model keeps for them.
 *
 * @module
 */
import { currentTask, enterTask, maybeTask, withTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import { CpuClock } from "../cpu.ts";
import { Growth } from "../growth.ts";
import { called, type Fuel, moved, noFuel } from "../metering.ts";
import { Scheduler } from "./async/scheduler.ts";
import { Cx } from "./context.ts";
import { CoreSet } from "./core_set.ts";
import type { LinkedPlan } from "./link.ts";
import type { CoreItem } from "./plan.ts";
import { disposeOf } from "./resource_calls.ts";
import { ResourceHandle } from "./resources.ts";
import type { ComponentState } from "./state.ts";
import { type CoreFunction, GuestThread, now, promising } from "./thread.ts";
import { asTrap, Trap, trap, uncatchable } from "./trap.ts";
import { Watcher } from "./trampoline.ts";

const starts = new Watcher({ params: [], results: [] });

/** What an isolate has that has handed its core instances on. */
const NOTHING = new CoreSet({ instances: [], contexts: [] }, []);
Object.freeze(NOTHING.exports);
Object.freeze(NOTHING.contexts);

export class NativeIsolate {
  readonly task: Task = currentTask();
  readonly clock: CpuClock;
  readonly fuel: Fuel = noFuel();
  readonly growth: Growth = new Growth();
  /** Set when the isolate may not run any more: disposed, its task over, or trapped. */
  over = false;
  readonly #linked: LinkedPlan;
  #core: CoreSet;
  /** Whether the core instances have served before. */
  readonly restored: boolean;
  /** Whether the core instances are all there, but for those that are made late. */
  #whole: boolean;
  /** Whether the first state is kept of instances that are there, and starts from here on in every isolate. */
  #hasBegun = false;
  /** Calls of exported functions that have not ended: until then guest code may be on a suspended stack. */
  calls = 0;
  #scheduler: Scheduler | undefined;
  #failure: { readonly error: unknown } | undefined;
  #disposed = false;
  /** Unwinds what is suspended. */
  #suspensions: Set<(reason: unknown) => void> | undefined;
  readonly #forget: () => void;

  constructor(linked: LinkedPlan) {
    const { plan } = linked;
    this.#linked = linked;
    this.clock = linked.meter?.clock(this.task) ?? new CpuClock(this.task);
    const restored = linked.pool?.take();
    this.restored = this.#whole = restored !== undefined;
    this.#core = restored ?? new CoreSet(plan, linked.lineages);
    // What is under way in guests that use async may know the states of a former isolate.
    this.#core.begin(this.task, restored === undefined || linked.usesAsync);
    this.#forget = this.task.defer(() => this.dispose());
  }

  /** Makes the core instances: at once, unless code that runs as they start has to wait. */
  static create(linked: LinkedPlan): NativeIsolate | Promise<NativeIsolate> {
    const isolate = new NativeIsolate(linked);
    if (isolate.over) throw isolate.ended(`instantiating ${linked.plan.name}`);
    const fail = (error: unknown): never => {
      const cause = isolate.failed(error);
      isolate.dispose();
      throw cause;
    };
    try {
      const made = isolate.#instantiate(0);
      if (made === undefined) return isolate;
      enterTask();
      return made.then(() => isolate, fail);
    } catch (error) {
      return fail(error);
    }
  }

  /** The states of the component's instances. */
  get instances(): readonly ComponentState[] {
    return this.#core.states;
  }

  /** Who runs when, in components that use async. */
  get scheduler(): Scheduler {
    return this.#scheduler ??= new Scheduler(this);
  }

  /** Makes the core instances from `first` on, in their order. */
  #instantiate(first: number): Promise<void> | undefined {
    const { plan: { instances }, lazy, pool } = this.#linked;
    if (this.restored && pool!.startsOnce) return undefined;
    for (let i = first; i < instances.length; i++) {
      const { elided, start, owner } = instances[i]!;
      if (start !== undefined) {
        // A component that makes more instances after it has run code has no pool.
        if (!this.restored && pool?.startsOnce === false) {
          this.#hasBegun = true;
          pool.made(this.#core);
        }
        const waiting = this.#start(start, owner);
        if (waiting !== undefined) {
          enterTask();
          return waiting.then(() => this.#instantiate(i + 1));
        }
      } else if (!elided && !this.restored && !lazy[i]) this.#make(i);
    }
    if (!this.restored) pool?.made(this.#core);
    this.#whole = true;
    return undefined;
  }

  /** Calls a function that is called as the component starts. */
  #start(start: CoreItem, owner: number): Promise<void> | undefined {
    const { suspends, meter } = this.#linked;
    const thread = now.thread = new GuestThread(this, this.instances[owner]!);
    const call = this.func(start);
    thread.canSuspend = (suspends[owner] || meter !== undefined) && start.kind === "export";
    this.calls++;
    this.clock.start();
    const ended = (): undefined => {
      this.clock.stop();
      this.calls--;
      if (this.over) throw this.reason;
    };
    if (!thread.canSuspend) {
      const waiting: unknown = call();
      // A function of the component level is called as the host calls it, and may wait.
      return waiting instanceof Promise ? waiting.then(ended) : ended();
    }
    const over: Promise<void> = (this.restored ? starts.watched(call) : promising(call))();
    if (thread.returned !== undefined) return ended();
    enterTask();
    return over.then(ended);
  }

  #make(index: number): WebAssembly.Exports {
    const { plan, modules, imports, memories } = this.#linked;
    const { module, owner } = plan.instances[index]!;
    const given = imports[index]!(this);
    now.thread = new GuestThread(this, this.instances[owner]!);
    const hasStart = plan.modules[module]!.shape.startFunction !== undefined;
    if (hasStart) this.clock.start();
    const { exports } = new WebAssembly.Instance(modules[module]!, given);
    if (hasStart) this.clock.stop();
    for (const name of memories[index]!) this.task.memory?.made(exports[name] as WebAssembly.Memory);
    return this.#core.exports[index] = exports;
  }

  /** Counts what goes between its guest and the host. */
  moved(bytes: number): void {
    moved(this.fuel, bytes, this.#core.exports);
  }

  /** Counts a call of its guest's. */
  called(): void {
    called(this.fuel, this.clock, this.#core.exports);
  }

  /** What core definition this is in this isolate. */
  export(item: CoreItem & { kind: "export" }): WebAssembly.ExportValue {
    const exports = this.#core.exports[item.instance];
    return (exports === undefined ? this.#makeLate(item.instance) : exports)[item.name]!;
  }

  /** Makes a core instance that was left until now. */
  #makeLate(index: number): WebAssembly.Exports {
    // A shim's table, which is not there, would have nothing in it yet.
    if (!this.#linked.lazy[index]) throw this.fail(new Trap("a core instance is used before it is made"));
    const { pool } = this.#linked;
    const { thread } = now;
    const exports = this.#make(index);
    now.thread = thread;
    // A start function may be what needs it: its first state, and that of those before it, is the one behind that.
    if (this.#whole || this.#hasBegun) pool?.made(this.#core);
    return exports;
  }

  /** A core function to call from JavaScript. */
  func(item: CoreItem): CoreFunction {
    return item.kind === "synth" ? this.#linked.functions[item.index]!.call : this.export(item) as CoreFunction;
  }

  cx(index: number): Cx {
    const cx = this.#core.contexts[index];
    return cx?.isolate === this ? cx : this.#beginCx(index, cx);
  }

  #beginCx(index: number, former: Cx | undefined): Cx {
    const { owner, memory, realloc } = this.#linked.plan.contexts[index]!;
    const instance = this.instances[owner]!;
    if (former !== undefined) {
      former.begin(this, instance);
      return former;
    }
    const pages = this.#linked.pool?.pagesOf(index);
    const notes = this.#linked.pool?.notesOf(index);
    const core = memory?.kind === "export" ? this.export(memory) as WebAssembly.Memory : undefined;
    return this.#core.contexts[index] = new Cx(
      this,
      instance,
      core,
      realloc && this.func(realloc),
      pages && this.export(pages) as WebAssembly.Global,
      this.#core.writesTo(core, notes && this.export(notes) as WebAssembly.Memory),
    );
  }

  /** Enters component instances; traps if one is entered already. */
  enter(instances: readonly number[]): void {
    for (const index of instances) {
      if (!this.instances[index]!.mayEnter) trap("cannot enter component instance");
    }
    for (const index of instances) this.instances[index]!.mayEnter = false;
  }

  leave(instances: readonly number[]): void {
    for (const index of instances) this.instances[index]!.mayEnter = true;
  }

  /**
   * Ends the isolate for an error that guest code has met. Answers what to throw through the guest's frames.
   */
  fail(error: unknown): unknown {
    if (this.#failure !== undefined) return error;
    this.#fail(error);
    return uncatchable(error);
  }

  /** The error that ended the isolate, or `thrown` if it has none; ends it. */
  failed(thrown: unknown): unknown {
    if (this.#failure === undefined) this.#fail(thrown);
    return this.#failure!.error;
  }

  #fail(thrown: unknown): void {
    this.clock.stop();
    const error = asTrap(thrown);
    this.#failure = { error };
    this.over = true;
    this.#scheduler?.failed(error);
  }

  /** Why the isolate is over. */
  get reason(): unknown {
    return this.#failure === undefined ? this.ended("running") : this.#failure.error;
  }

  /** Runs `body` in the isolate's task, whoever called. */
  inTask<T>(body: () => T): T {
    return maybeTask() === this.task ? body() : withTask(this.task, body);
  }

  ended(attempted: string): SkerryError {
    return new SkerryError("internal", `${attempted}: the isolate is over`, {
      cause: this.#failure === undefined ? this.task.signal.reason : this.#failure.error,
    });
  }

  /**
   * What a guest waits for while it is suspended. V8 takes a suspended stack for live, with the memories of its instances,
   * so the end of the isolate unwinds it, past everything that could catch in it.
   */
  untilDisposed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#disposed) return reject(uncatchable());
      const suspensions = (this.#suspensions ??= new Set()).add(reject);
      promise.then(
        (value) => {
          suspensions.delete(reject);
          resolve(value);
        },
        (error) => {
          suspensions.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** Whether {@linkcode dispose} has run: nothing of the guest may run again, not even to see its failure. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Drops the host's resources that the guest still owns, each once. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.over = true;
    this.#forget?.();
    if (this.#suspensions !== undefined && this.#suspensions.size > 0) {
      const unwind = uncatchable();
      for (const reject of this.#suspensions) reject(unwind);
      this.#suspensions.clear();
    }
    let left: Set<object> | undefined;
    for (const { handles } of this.instances) {
      if (handles.size === 0) continue;
      left ??= new Set();
      for (const entry of handles.values()) {
        if (entry instanceof ResourceHandle && entry.own && entry.type.owner === undefined) {
          left.add(entry.rep as object);
        }
      }
      handles.clear();
    }
    if (left !== undefined) this.#dropAll(left);
    // Guest code that has failed or is still on a stack might touch the instances again. A task that was over before its
    // isolate began has none.
    if (this.#whole && this.#failure === undefined && this.calls === 0 && (this.#scheduler?.idle ?? true)) {
      this.#linked.pool?.give(this.#core);
      // They are another's from now on: whoever comes late finds nothing.
      this.#core = NOTHING;
    }
  }

  #dropAll(resources: ReadonlySet<object>): void {
    this.inTask(() => resources.forEach((resource) => this.#drop(resource)));
  }

  #drop(resource: object): void {
    try {
      disposeOf(resource as Partial<Disposable>);
    } catch (error) {
      const detail = error instanceof Error ? error.stack ?? error.message : error;
      this.task.log("error", `dropping a ${resource.constructor.name}: ${detail}`);
    }
  }
}
