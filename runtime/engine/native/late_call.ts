/**
 * Calls of core functions through JavaScript: of instances that are not made yet, and of allocators with 64-bit addresses.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import type { CoreItem } from "./plan.ts";
import { type CoreFunction, never, now, promising, resuming } from "./thread.ts";
import { fromCore } from "./wide.ts";

/** Calls a function of a core instance, which is made if it is not there yet. */
export function lateCall(target: CoreItem, suspends: boolean): CoreFunction {
  if (!suspends) {
    return function lateCall(...args) {
      const { thread } = now;
      const { canSuspend } = thread;
      // There is JavaScript on its stack now.
      thread.canSuspend = false;
      const result = thread.isolate.func(target)(...args);
      thread.canSuspend = canSuspend;
      return result;
    };
  }
  return function lateCall(...args) {
    const { thread } = now;
    const { isolate } = thread;
    enterTask();
    const result: Promise<unknown> = promising(isolate.func(target))(...args);
    return resuming(
      thread,
      result.then((value) => isolate.over ? never() : value, (error) => {
        if (isolate.disposed) return never();
        throw error;
      }),
    );
  };
}

/** An allocator as all others are called: with numbers, also beyond 2³². */
export function wideRealloc(target: CoreItem): CoreFunction {
  return function wideRealloc(...args: number[]) {
    return fromCore(now.thread.isolate.func(target)(...args.map(BigInt)));
  };
}
