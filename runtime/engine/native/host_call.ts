/**
 * Lowered host functions: what core code calls when it calls the host.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import { asError, WitError } from "../../errors.ts";
import { withoutVersion } from "../../component/mod.ts";
import type { Cx } from "./context.ts";
import type { Face } from "./handles.ts";
import { type GuestThread, never, now, resuming } from "./thread.ts";
import type { CoreValue } from "./lift.ts";
import { Lifter } from "./lift.ts";
import { Lowerer } from "./lower.ts";
import type { HostFunc, OptionsPlan } from "./plan.ts";
import { compileParamsLift, compileResultLower } from "./values.ts";
import type { ResourceHandle } from "./resources.ts";
import { trap } from "./trap.ts";

/** A host function as the linker found it. */
export interface ResolvedHost {
  /** Calls it with lifted values. */
  readonly invoke: (values: readonly unknown[]) => unknown;
  readonly waits: boolean;
  /** Whether all is done when it returns: see `atOnce`. */
  readonly atOnce?: boolean;
  /** Whether it is a direct form: see `engine/direct.ts`. */
  readonly direct?: boolean;
  /** What a direct form waits for before it is called. */
  readonly before?: (values: readonly unknown[]) => Promise<void> | undefined;
}

/** `wasi:io/poll#poll` */
export function callName(func: HostFunc): string {
  return func.interface === undefined ? func.name : `${withoutVersion(func.interface)}#${func.name}`;
}

/**
 * A function of core type that lifts its arguments, calls the host, and lowers what comes back. When the host waits it
 * answers with a promise, for which the guest is suspended.
 */
export function lowerHost(
  func: HostFunc,
  host: ResolvedHost,
  options: OptionsPlan,
  face: Face,
): (...args: CoreValue[]) => unknown {
  const lift = compileParamsLift(func.type, new Lifter(face, options.encoding, host.direct));
  const lower = compileResultLower(func.type, new Lowerer(face, options.encoding));
  const fallible = func.type.result?.kind === "result";
  const { invoke, before } = host;
  const atOnce = host.atOnce === true;
  // The promise of a function that returns a future is the future.
  const isFuture = func.type.result?.kind === "future";
  const waits = host.waits && !isFuture;
  const name = callName(func);
  const { cx: index } = options;

  const call = (values: readonly unknown[]): unknown => {
    try {
      const value = invoke(values);
      return fallible && !(waits && isThenable(value)) ? { tag: "ok", val: value } : value;
    } catch (thrown) {
      return errorOf(thrown, fallible);
    }
  };

  const finish = (
    thread: GuestThread,
    cx: Cx,
    args: readonly CoreValue[],
    value: unknown,
    lenders: ResourceHandle[] | undefined,
  ) => {
    now.thread = thread;
    cx.refresh();
    const core = lower(cx, args, value);
    if (lenders !== undefined) { for (const handle of lenders) handle.lends--; }
    return core;
  };

  // Not in place: what its functions hold would be allocated for each call, and few wait.
  const wait = (
    thread: GuestThread,
    cx: Cx,
    args: readonly CoreValue[],
    promise: Promise<unknown>,
    lenders: ResourceHandle[] | undefined,
    values?: readonly unknown[],
  ) => {
    enterTask();
    const { isolate } = thread;
    const resume = (outcome: () => unknown) => {
      if (isolate.over) return never();
      try {
        return finish(thread, cx, args, outcome(), lenders);
      } catch (error) {
        throw isolate.fail(error);
      }
    };
    return resuming(
      thread,
      promise.then(
        (value) =>
          resume(() => {
            // What a direct form answers may be on loan: it is called now, when that can be lowered at once.
            if (values !== undefined) return call(values);
            return fallible ? { tag: "ok", val: value } : value;
          }),
        (thrown) => resume(() => errorOf(thrown, fallible)),
      ),
    );
  };

  return function hostCall(...args) {
    const { thread } = now;
    const { isolate } = thread;
    try {
      if (isolate.over) throw isolate.ended(`calling ${name}`);
      const cx = isolate.cx(index);
      if (!cx.instance.mayLeave) trap("cannot leave component instance");
      cx.refresh();
      const values = lift(cx, args);
      const { lenders } = cx;
      cx.lenders = undefined;
      isolate.task.countCall(name);
      isolate.called();
      if (!atOnce) enterTask();
      const turn = before?.(values);
      if (turn !== undefined) return wait(thread, cx, args, turn, lenders, values);
      const value = call(values);
      if (!isFuture && isThenable(value)) {
        if (!waits) throw promised(name);
        return wait(thread, cx, args, value, lenders);
      }
      return finish(thread, cx, args, value, lenders);
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

function promised(name: string): TypeError {
  return new TypeError(`the host's ${name} returned a Promise. Declare it async, or mark it with waits().`);
}

function isThenable(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

/** The `err` that a host function threw; throws on whatever is none. */
export function errorOf(thrown: unknown, fallible: boolean): { tag: "err"; val: unknown } {
  if (fallible) {
    if (thrown instanceof WitError) return { tag: "err", val: thrown.payload };
    if (typeof thrown === "object" && thrown !== null && "payload" in thrown) {
      return { tag: "err", val: thrown.payload };
    }
  }
  throw asError(thrown);
}
