/**
 * What generated code calls: the host's side of one isolate.
 *
 * @module
 */
import { currentTask, maybeTask, withTask } from "../../context.ts";
import { asError, SkerryError, WitError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import { uncatchable } from "../uncatchable.ts";
import type { Meter } from "../metering.ts";
import { GuestCode } from "./running.ts";
import { Taken } from "./taken.ts";
import { IsolateTimers, type TimerId } from "./timers.ts";
import type { GuestTask, HandleTable, Hooks, StreamReader } from "./patch.ts";

/** Bit 30 of jco's handle tables: the entry is free (in the scope), or owned (in the representation). */
const FLAG = 1 << 30;

// TypeScript's library does not know it yet.
const { Suspending } = WebAssembly as unknown as {
  Suspending: new (call: (...args: unknown[]) => unknown) => WebAssembly.ImportValue;
};

/** A class that stands for `WebAssembly.Suspending`, with `suspended` between the host function and the guest. */
export function suspendingBy(suspended: (result: unknown) => unknown) {
  return function GuardedSuspending(call: (...args: unknown[]) => unknown) {
    return new Suspending((...args: unknown[]) => suspended(call(...args)));
  };
}

/** The host's side of an isolate: what the generated code calls, and how it ends. */
export class IsolateHooks implements Hooks {
  readonly task: Task = currentTask();
  readonly code: GuestCode;
  readonly taken: Taken = new Taken(
    this.task,
    (error) => uncatchable(this.trapped(error)),
    (bytes) => this.code.moved(bytes),
  );
  readonly #name: string;
  readonly #tables: (readonly [HandleTable, Map<number, object>])[] = [];
  readonly #reads = new Set<StreamReader>();
  readonly #timers = new IsolateTimers();
  /** Unwinds what is suspended. */
  readonly #suspensions = new Set<(reason: unknown) => void>();
  #over = false;
  #trap: Error | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #guestTasks = 0;

  constructor(name: string, meter?: Meter) {
    this.#name = name;
    this.code = new GuestCode(this, meter);
    // Nobody has to listen.
    this.#ended.promise.catch(() => {});
  }

  get over(): boolean {
    return this.#over || this.task.ended;
  }

  get stopped(): boolean {
    return this.over || this.#trap !== undefined;
  }

  get taskMeta(): GuestCode["taskMeta"] {
    return this.code.taskMeta;
  }

  get asyncState(): GuestCode["asyncState"] {
    return this.code.asyncState;
  }

  run<T>(operation: () => T, name?: string): T {
    if (name !== undefined) this.#enter(name);
    let result: T;
    // Generated code may call when the guest is suspended already: the time is the guest's all the same.
    const { clock } = this.code;
    const begins = !clock.running;
    if (begins) clock.start();
    try {
      result = this.inTask(operation);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      if (begins) clock.stop();
    }
    if (!isThenable(result)) return result;
    return result.then(
      (value) => {
        this.#timers.wake();
        return value;
      },
      (error) => {
        this.#timers.wake();
        throw this.#failed(error);
      },
    ) as T;
  }

  /** WebAssembly as generated code sees it: what suspends the guest here resumes it only while it may run. */
  get WebAssembly(): typeof WebAssembly {
    return Object.create(WebAssembly, {
      Suspending: { value: suspendingBy((result) => this.suspending(result)) },
      promising: { get: () => this.code.promising },
    });
  }

  /** What a host function answered to a guest that is about to be suspended for it. */
  suspending(result: unknown): Promise<unknown> {
    return this.code.suspended(this.#suspended(result));
  }

  /** What a core instance exports, as generated code may use it. */
  core(value: WebAssembly.ExportValue, name: string): WebAssembly.ExportValue {
    return typeof value === "function" ? this.code.wrapped(value as (...args: unknown[]) => unknown, name) : value;
  }

  /**
   * A guest that is suspended for ever would never be collected: V8 takes a suspended stack for live. So the end of the
   * isolate unwinds it, past everything that could catch in it.
   */
  #suspended(result: unknown): Promise<unknown> {
    if (!isThenable(result)) return Promise.resolve(result);
    return new Promise((resolve, reject) => {
      if (this.over) return reject(uncatchable());
      this.#suspensions.add(reject);
      const settle = (how: (value: unknown) => void) => (value: unknown) => {
        this.#suspensions.delete(reject);
        how(value);
      };
      result.then(settle(resolve), settle(reject));
    });
  }

  #enter(name: string): void {
    if (this.over) throw uncatchable(this.overError(name));
    if (this.#trap !== undefined) throw uncatchable(this.#trap);
    this.taken.another();
    this.task.countCall(name);
    this.code.called();
  }

  /** What a host operation threw, as the guest may take it: the err of a result, or a trap. */
  #failed(thrown: unknown): unknown {
    const error = hostError(thrown);
    if ("payload" in error) return error;
    this.trapped(error);
    return uncatchable(error);
  }

  /**
   * Notes that the guest has trapped: nothing may enter it any more, nor may it call the host. Returns why: the first
   * error, of which later ones are consequences.
   */
  trapped(error: Error): Error {
    return this.#trap ??= error;
  }

  /** Why the exports cannot be called. */
  refusal(name: string): Error | undefined {
    if (this.over) return this.overError(name);
    if (this.#trap === undefined) return undefined;
    return new SkerryError(
      "guest-trapped",
      `calling ${name}: the isolate of ${this.#name} has trapped before`,
      { cause: this.#trap },
    );
  }

  guestTask(task: GuestTask): void {
    this.#guestTasks++;
    const failed = (error: unknown) => {
      this.#ended.reject(error instanceof Error ? this.trapped(error) : error);
    };
    // A call that comes to nothing may never exit.
    task.completionPromise().catch(() => task.isRejected() && failed(task.failure));
    task.exitPromise().then(() => {
      if (task.isRejected()) failed(task.failure);
      else if (--this.#guestTasks === 0) this.#ended.resolve();
    });
  }

  /** Settles when no task of the guest is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  reads(read: StreamReader): StreamReader {
    this.#reads.add(read);
    return read;
  }

  own(handles: HandleTable, resources: Map<number, object>): void {
    this.#tables.push([handles, resources]);
  }

  // Generated code takes these apart, so they are bound.
  readonly setTimeout = (callback: () => void, delay?: number): void => {
    if (!this.over) this.#timers.set(() => this.inTask(callback), delay ?? 0);
  };

  readonly setInterval = (callback: () => void, delay?: number): unknown =>
    this.over ? undefined : this.#timers.every(() => this.inTask(callback), delay ?? 0);

  readonly clearInterval = (interval: unknown): void => this.#timers.clear(interval as TimerId | undefined);

  /** Something happened that a waiting guest may wait for. */
  wake(): void {
    this.#timers.wake();
  }

  readonly queueMicrotask = (callback: () => void): void => {
    queueMicrotask(() => {
      if (!this.over) this.inTask(callback);
    });
  };

  /** Runs `body` in the isolate's task, whoever called: a reader of a stream may be outside of it. */
  inTask<T>(body: () => T): T {
    return maybeTask() === this.task ? body() : withTask(this.task, body);
  }

  overError(attempted: string): SkerryError {
    return new SkerryError(
      "internal",
      `calling ${attempted}: the isolate of ${this.#name} is over`,
      { cause: this.task.signal.reason },
    );
  }

  /** Stops timers, and drops the resources and streams of the host that the guest still has. */
  dispose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.stop();
    if (this.#suspensions.size > 0) {
      const unwind = uncatchable();
      for (const reject of this.#suspensions) reject(unwind);
      this.#suspensions.clear();
    }
    const left = new Set<object>();
    for (const [handles, resources] of this.#tables) {
      for (let i = 2; i < handles.length; i += 2) {
        const free = (handles[i]! & FLAG) !== 0;
        const owned = (handles[i + 1]! & FLAG) !== 0;
        const resource = resources.get(handles[i + 1]! & ~FLAG);
        if (!free && owned && resource !== undefined) left.add(resource);
      }
    }
    for (const [, resources] of this.#tables) resources.clear();
    for (const resource of left) this.drop(resource);
    // What is still waited for would keep the isolate: a caller may never send the rest of its body.
    for (const read of this.#reads) this.drop({ [Symbol.dispose]: read.drop });
    this.#reads.clear();
  }

  drop(resource: object): void {
    try {
      this.inTask(() => (resource as Partial<Disposable>)[Symbol.dispose]?.());
    } catch (error) {
      this.task.log(
        "error",
        `dropping a ${resource.constructor.name}: ${error instanceof Error ? error.stack ?? error.message : error}`,
      );
    }
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/**
 * What a host function threw, as something that the generated code takes rightly: it lowers an own `payload`, passes on
 * any other `Error`, and would lower anything else as if it were the payload.
 */
function hostError(thrown: unknown): Error | { readonly payload: unknown } {
  if (thrown instanceof WitError) return thrown;
  if (typeof thrown === "object" && thrown !== null && "payload" in thrown) {
    return Object.hasOwn(thrown, "payload") ? thrown : new WitError(thrown.payload);
  }
  return asError(thrown);
}
