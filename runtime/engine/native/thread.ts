/**
 * Whose guest code is running, and how it stops and goes on.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import type { NativeIsolate } from "./isolate.ts";
import type { BorrowScope } from "./resources.ts";
import type { ComponentState } from "./state.ts";

/** A function of core code. */
// deno-lint-ignore no-explicit-any -- core values of any signature
export type CoreFunction = (...args: any[]) => any;

/**
 * Never settles: for those who wait for a guest whose isolate is over. A new one each time, for what waits for a shared
 * promise is held by it.
 */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/**
 * What guest code runs as: `Thread` of CanonicalABI.md. Imported functions learn from it whose calls they are.
 *
 * A thread is on a stack of its own, which JSPI suspends. Spec's `resume` returns when the thread blocks or ends; here it
 * answers with a promise for that, unless it happens at once.
 */
export class GuestThread implements BorrowScope {
  readonly isolate: NativeIsolate;
  readonly instance: ComponentState;
  /** Borrows that the callee has to drop before it returns. */
  borrows = 0;
  /**
   * Whether the guest may be suspended wherever its own code is: all that is on its stack is core code, called through
   * {@linkcode promising}, and whoever called that waits.
   */
  canSuspend = false;
  /** What the function that {@linkcode watched} calls has returned, once it has. */
  returned: { readonly core: number | bigint | undefined } | undefined;
  /** `context.get` and `context.set`. */
  readonly storage: [number | bigint, number | bigint] = [0, 0];

  constructor(isolate: NativeIsolate, instance: ComponentState) {
    this.isolate = isolate;
    this.instance = instance;
  }
}

/**
 * The thread whose guest code is running. Imported functions are made once for all isolates and find theirs here.
 *
 * It is set wherever guest code is entered or goes on: before a call, after a host function has returned, and when a
 * suspended guest is resumed. The last is sound because the reaction that sets it and the one by which the engine
 * resumes the guest are on the same promise, one after the other: no other microtask comes between them.
 */
export const now: { thread: GuestThread } = { thread: undefined as unknown as GuestThread };

/**
 * `promise` for a suspended guest: as it settles, {@linkcode now} is set for whom it resumes. When the isolate ends
 * before, the guest is unwound.
 */
export function resuming<T>(thread: GuestThread, promise: Promise<T>): Promise<T> {
  const { isolate } = thread;
  const { clock } = isolate;
  enterTask();
  clock.stop();
  const set = () => {
    now.thread = thread;
    clock.start();
  };
  const suspension = isolate.untilDisposed(promise);
  suspension.then(set, set);
  return suspension;
}

interface Jspi {
  promising(func: CoreFunction): CoreFunction;
  Suspending: new (func: CoreFunction) => WebAssembly.ImportValue;
}

const jspi = WebAssembly as unknown as Jspi;

/** Made once for each function: restored instances are called again and again, and making one takes 3 µs. */
const promises = new WeakMap<CoreFunction, CoreFunction>();

/** Calls core code on a stack that can be suspended. */
export function promising(func: CoreFunction): CoreFunction {
  let call = promises.get(func);
  if (call === undefined) promises.set(func, call = jspi.promising(func));
  return call;
}

/**
 * A function that suspends the guest that calls it, whether `func` answers with a promise for which {@linkcode now} is set
 * or with a value: the engine makes a promise of that and goes on with others first. It traps when that guest was not
 * called through {@linkcode promising}.
 */
export function suspending(func: CoreFunction): WebAssembly.ImportValue {
  return new jspi.Suspending((...args) => {
    const { thread } = now;
    const result = func(...args);
    return result instanceof Promise ? result : resuming(thread, Promise.resolve(result));
  });
}
