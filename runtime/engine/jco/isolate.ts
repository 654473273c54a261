/**
 * One instance of generated code, tied to one task.
 *
 * @module
 */
import type { ExternDescription } from "../../component/describe.ts";
import { currentTask, maybeTask, withTask } from "../../context.ts";
import { SkerryError, WitError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import type { ExportedFunction, Isolate } from "../mod.ts";
import type { GuestTask, HandleTable, Hooks } from "./patch.ts";

/** Bit 30 of jco's handle tables: the entry is free (in the scope), or owned (in the representation). */
const FLAG = 1 << 30;

/** Never settles: what a guest waits for once its task is over. */
const NEVER = new Promise<never>(() => {});

/** The host's side of an isolate: what the generated code calls, and how it ends. */
export class IsolateHooks implements Hooks {
  readonly task: Task = currentTask();
  readonly #name: string;
  readonly #tables: (readonly [HandleTable, Map<number, object>])[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #over = false;
  #trap: Error | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #guestTasks = 0;

  constructor(name: string) {
    this.#name = name;
    // Nobody has to listen.
    this.#ended.promise.catch(() => {});
  }

  get over(): boolean {
    return this.#over || this.task.ended;
  }

  // Generated code takes some of these apart, so all are bound.
  readonly run = <T>(operation: () => T, name?: string): T => {
    if (name !== undefined) this.#enter(name);
    let result: T;
    try {
      result = this.inTask(operation);
    } catch (error) {
      throw this.#failed(error);
    }
    if (!isThenable(result)) return result;
    return result.then(
      (value) => this.over ? NEVER : value,
      (error) => {
        if (this.over) return NEVER;
        throw this.#failed(error);
      },
    ) as T;
  };

  #enter(name: string): void {
    if (this.over) throw this.overError(name);
    if (this.#trap !== undefined) throw this.#trap;
    this.task.countCall(name);
  }

  #failed(thrown: unknown): unknown {
    const error = hostError(thrown);
    if (!("payload" in error)) this.trapped(error);
    return error;
  }

  /** Notes that the guest has trapped: nothing may enter it any more, nor may it call the host. */
  trapped(error: Error): void {
    this.#trap ??= error;
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

  readonly guestTask = (task: GuestTask): void => {
    this.#guestTasks++;
    const failed = (error: unknown) => {
      if (error instanceof Error) this.trapped(error);
      this.#ended.reject(error);
    };
    // A call that comes to nothing may never exit.
    task.completionPromise().catch(() => task.isRejected() && failed(task.failure));
    task.exitPromise().then(() => {
      if (task.isRejected()) failed(task.failure);
      else if (--this.#guestTasks === 0) this.#ended.resolve();
    });
  };

  /** Settles when no task of the guest is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  readonly own = (handles: HandleTable, resources: Map<number, object>): void => {
    this.#tables.push([handles, resources]);
  };

  readonly setTimeout = (callback: () => void, delay?: number): unknown => {
    if (this.over) return 0;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.over) callback();
    }, delay);
    this.#timers.add(timer);
    return timer;
  };

  readonly queueMicrotask = (callback: () => void): void => {
    queueMicrotask(() => {
      if (!this.over) callback();
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

  /** Stops timers, and drops the host resources that the guest still owns. */
  dispose(): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
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
    this.inTask(() => {
      for (const resource of left) this.#drop(resource);
    });
  }

  #drop(resource: object): void {
    try {
      (resource as Partial<Disposable>)[Symbol.dispose]?.();
    } catch (error) {
      this.task.log(
        "error",
        `dropping a ${resource.constructor.name}: ${error instanceof Error ? error.stack ?? error.message : error}`,
      );
    }
  }
}

/** An isolate around what the generated `instantiate` returned. */
export function makeIsolate(
  hooks: IsolateHooks,
  instance: Readonly<Record<string, unknown>>,
  exported: readonly ExternDescription[],
): Isolate {
  const exports: Record<string, Record<string, ExportedFunction>> = Object.create(null);
  for (const { name, sort } of exported) {
    if (sort !== "instance") continue;
    const members = instance[name] as Readonly<Record<string, unknown>>;
    const wrapped: Record<string, ExportedFunction> = Object.create(null);
    for (const [member, value] of Object.entries(members)) {
      wrapped[member] = isClass(value)
        // An exported resource keeps its class: its methods are the guest's.
        ? value as unknown as ExportedFunction
        : wrapExport(hooks, `${name}#${member}`, value as ExportedFunction);
    }
    exports[name] = wrapped;
  }
  const anyAsync = exported.some(({ functions }) => functions.some((f) => f.async));
  const forget = hooks.task.defer(() => hooks.dispose());
  return {
    exports,
    ...(anyAsync ? { ended: hooks.ended } : {}),
    dispose() {
      forget();
      hooks.dispose();
    },
  };
}

function wrapExport(
  hooks: IsolateHooks,
  name: string,
  call: ExportedFunction,
): ExportedFunction {
  return async function callExport(...args: unknown[]): Promise<unknown> {
    const refusal = hooks.refusal(name);
    if (refusal !== undefined) throw refusal;
    try {
      return await hooks.inTask(() => call(...args));
    } catch (error) {
      // The err of a result is the payload itself, which is never an Error.
      if (error instanceof Error) hooks.trapped(error);
      throw error;
    }
  };
}

function isClass(value: unknown): boolean {
  return typeof value === "function" &&
    Function.prototype.toString.call(value).startsWith("class");
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
  if (thrown instanceof Error) return thrown;
  return new TypeError(
    `a host function threw ${
      typeof thrown === "string" ? JSON.stringify(thrown) : String(thrown)
    }, which is no Error: throw a WitError for the err of a result`,
    { cause: thrown },
  );
}
