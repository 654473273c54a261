/**
 * Exported functions of components that use async, as the host calls them.
 *
 * @module
 */
import { WitError } from "../../../errors.ts";
import type { NativeIsolate } from "../isolate.ts";
import type { LiftedFunc } from "../plan.ts";
import { trap } from "../trap.ts";
import type { AsyncCall } from "./lift.ts";
import { CANCELLED, type Maybe } from "./task.ts";

/** A promise for the result, which is there when the guest gives it: the guest may run on. */
export function asyncHostFacing(
  lift: LiftedFunc,
  call: AsyncCall,
): (isolate: NativeIsolate, values: readonly unknown[]) => Promise<unknown> {
  const fallible = lift.type.result?.kind === "result";
  // What is lifted without async ends with its post-return, which may trap.
  const runsOn = lift.options.async;
  return function exported(isolate, values) {
    if (isolate.over) return Promise.reject(isolate.ended(`calling ${lift.name}`));
    return new Promise<unknown>((resolve, reject) => {
      const forget = isolate.scheduler.onFailure(reject);
      const answer = (result: unknown) => {
        forget();
        if (!fallible) return resolve(result);
        const { tag, val } = result as { tag: "ok" | "err"; val: unknown };
        if (tag === "ok") resolve(val);
        else reject(new WitError(val));
      };
      let answered: unknown;
      const onResolve = (result: unknown) => {
        if (result === CANCELLED) return trap("a call of the host was cancelled");
        if (runsOn) answer(result);
        else answered = result;
      };
      isolate.scheduler.post(() => {
        const onEnd = runsOn ? undefined : () => answer(answered);
        const started: Maybe<unknown> = call(isolate, {
          onStart: () => values,
          onResolve,
          ...(onEnd === undefined ? {} : { onEnd }),
        });
        return started instanceof Promise ? started : undefined;
      });
    });
  };
}
