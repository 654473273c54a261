/**
 * Calls into lifted functions, from the host or from another component.
 *
 * Implements `canon_lift` of CanonicalABI.md for functions that are lifted without `async`.
 *
 * @module
 */
import { enterTask, maybeTask, withTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import type { Face } from "./handles.ts";
import type { NativeIsolate } from "./isolate.ts";
import { type CoreValue, Lifter } from "./lift.ts";
import { Lowerer } from "./lower.ts";
import type { LiftedFunc, OptionsPlan } from "./plan.ts";
import { type CoreFunction, GuestThread, never, now, promising, resuming } from "./thread.ts";
import { liftSignature } from "./signatures.ts";
import { trap } from "./trap.ts";
import { compileParamsLift, compileParamsLower, compileResultLift, compileResultLower } from "./values.ts";
import { Watcher } from "./trampoline.ts";

/** Calls a lifted function: answers its result, or a promise of it where the guest may be suspended. */
export type LiftedCall = (isolate: NativeIsolate, values: readonly unknown[]) => unknown;

/** How a lifted function is called. */
export interface LiftOptions {
  /** The component instances that the call enters. */
  readonly entered: readonly number[];
  /** Whether the guest may be suspended in it. */
  readonly suspends: boolean;
  /** Whether the guest may be suspended wherever its caller may be, so that others can run. */
  readonly metered: boolean;
  /** Whether the host calls it. */
  readonly toHost: boolean;
}

export function compileLift(
  lift: LiftedFunc,
  face: Face,
  { entered, suspends, metered, toHost }: LiftOptions,
): LiftedCall {
  const { options, owner } = lift;
  const lowerParams = compileParamsLower(lift.type, new Lowerer(face, options.encoding));
  const liftResult = compileResultLift(lift.type, new Lifter(face, options.encoding));
  const { postReturn } = options;
  const isExport = lift.core.kind === "export";
  const watcher = new Watcher(liftSignature(lift.type, options));

  const finish = (isolate: NativeIsolate, thread: GuestThread, core: CoreValue | undefined): unknown => {
    now.thread = thread;
    const cx = isolate.cx(options.cx);
    cx.refresh();
    const result = liftResult(cx, core);
    if (thread.borrows > 0) trap("borrow handles still remain at the end of the call");
    if (postReturn !== undefined) {
      thread.canSuspend = false;
      cx.instance.mayLeave = false;
      const call = isolate.func(postReturn);
      if (core === undefined) call();
      else call(core);
      cx.instance.mayLeave = true;
    }
    if (toHost) isolate.clock.stop();
    isolate.leave(entered);
    return result;
  };

  return function guestCall(isolate, values) {
    isolate.enter(entered);
    const instance = isolate.instances[owner]!;
    const thread = new GuestThread(isolate, instance);
    const callerCan = toHost || now.thread.canSuspend;
    now.thread = thread;
    if (toHost) isolate.clock.start();
    const cx = isolate.cx(options.cx);
    cx.refresh();
    cx.scope = thread;
    const flat = lowerParams(cx, values);
    cx.scope = undefined;
    const call: CoreFunction = isolate.func(lift.core);
    if (!isExport || !(suspends || metered && callerCan)) return finish(isolate, thread, call(...flat));
    thread.canSuspend = callerCan;
    // Made once for each instance, and worth it where that serves again.
    if (!isolate.restored) {
      enterTask();
      return promising(call)(...flat).then((core: CoreValue | undefined) => finish(isolate, thread, core));
    }
    const over: Promise<void> = watcher.watched(call)(...flat);
    if (thread.returned !== undefined) return finish(isolate, thread, thread.returned.core);
    enterTask();
    return over.then(() => finish(isolate, thread, thread.returned!.core));
  };
}

/**
 * A function as the host calls it: its result where the guest has not waited, or a promise of it; in both cases a failure is
 * a rejection, the `err` of a `result` as well.
 */
export function hostFacing(
  lift: LiftedFunc,
  call: LiftedCall,
): (isolate: NativeIsolate, values: readonly unknown[]) => unknown {
  const fallible = lift.type.result?.kind === "result";
  const settled = (isolate: NativeIsolate, result: unknown): unknown => {
    isolate.calls--;
    if (!fallible) return result;
    const { tag, val } = result as { tag: "ok" | "err"; val: unknown };
    return tag === "ok" ? val : Promise.reject(new WitError(val));
  };
  const failed = (isolate: NativeIsolate, thrown: unknown): Promise<never> =>
    isolate.disposed ? never() : Promise.reject(isolate.failed(thrown));
  const run = (isolate: NativeIsolate, values: readonly unknown[]): unknown => {
    let result: unknown;
    isolate.calls++;
    try {
      result = call(isolate, values);
    } catch (thrown) {
      return failed(isolate, thrown);
    }
    if (!(result instanceof Promise)) return settled(isolate, result);
    return result.then((result) => settled(isolate, result), (thrown) => failed(isolate, thrown));
  };
  return (isolate, values) => {
    if (isolate.over) return Promise.reject(isolate.ended(`calling ${lift.name}`));
    return maybeTask() === isolate.task ? run(isolate, values) : withTask(isolate.task, () => run(isolate, values));
  };
}

/** A function of core type by which one component calls another. */
export function lowerLifted(
  lift: LiftedFunc,
  call: LiftedCall,
  options: OptionsPlan,
  face: Face,
): (...args: CoreValue[]) => unknown {
  const liftParams = compileParamsLift(lift.type, new Lifter(face, options.encoding));
  const lowerResult = compileResultLower(lift.type, new Lowerer(face, options.encoding));
  return function componentCall(...args) {
    const { thread } = now;
    const { isolate } = thread;
    try {
      const cx = isolate.cx(options.cx);
      if (!cx.instance.mayLeave) trap("cannot leave component instance");
      cx.refresh();
      const values = liftParams(cx, args);
      const { lenders } = cx;
      cx.lenders = undefined;
      const finish = (value: unknown) => {
        now.thread = thread;
        cx.refresh();
        const core = lowerResult(cx, args, value);
        if (lenders !== undefined) { for (const handle of lenders) handle.lends--; }
        return core;
      };
      const result = call(isolate, values);
      if (!(result instanceof Promise)) return finish(result);
      return resuming(
        thread,
        result.then(
          (value) => {
            if (isolate.over) return never();
            try {
              return finish(value);
            } catch (error) {
              throw isolate.fail(error);
            }
          },
          (error) => {
            if (isolate.disposed) return never();
            throw isolate.fail(error);
          },
        ),
      );
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}
