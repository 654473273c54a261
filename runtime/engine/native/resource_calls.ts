/**
 * `resource.new`, `resource.drop` and `resource.rep`.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import { isAtOnce } from "../mod.ts";
import type { Destructor } from "./plan.ts";
import { checked, ResourceHandle } from "./resources.ts";
import { type CoreFunction, GuestThread, never, now, promising, resuming } from "./thread.ts";
import { trap } from "./trap.ts";
import type { ResourceType } from "./types.ts";

export function resourceNew(type: ResourceType, owner: number): CoreFunction {
  return function resourceNew(rep: number): number {
    const { isolate } = now.thread;
    const instance = isolate.instances[owner]!;
    try {
      if (!instance.mayLeave) trap("cannot leave component instance");
      return instance.handles.add(new ResourceHandle(type, rep, true, undefined));
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

export function resourceRep(type: ResourceType, owner: number): CoreFunction {
  return function resourceRep(index: number): number {
    const { isolate } = now.thread;
    const instance = isolate.instances[owner]!;
    try {
      return instance.handles.resource(index >>> 0, type).rep as number;
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

/**
 * @param entered the component instances that a destructor's call enters
 * @param suspends whether the destructor may be suspended
 */
export function resourceDrop(
  type: ResourceType,
  owner: number,
  destructor: Destructor | undefined,
  entered: readonly number[],
  suspends: boolean,
): CoreFunction {
  return function resourceDrop(index: number): unknown {
    const { thread } = now;
    const { isolate } = thread;
    const instance = isolate.instances[owner]!;
    try {
      if (!instance.mayLeave) trap("cannot leave component instance");
      const { handles } = instance;
      const handle = checked(handles.get(index >>> 0), index >>> 0, type);
      if (handle.lends !== 0) trap(`cannot remove owned resource ${type.name} while borrowed`);
      handles.remove(index >>> 0);
      if (!handle.own) {
        handle.scope!.borrows--;
        return;
      }
      if (type.owner === undefined) {
        isolate.called();
        disposeOf(handle.rep as Partial<Disposable>);
        now.thread = thread;
        return;
      }
      isolate.enter(entered);
      if (destructor === undefined) return isolate.leave(entered);
      const own = now.thread = new GuestThread(isolate, isolate.instances[destructor.owner]!);
      const call = isolate.func(destructor.core);
      const suspendable = suspends && destructor.core.kind === "export";
      own.canSuspend = suspendable && thread.canSuspend;
      if (suspendable) enterTask();
      const result = (suspendable ? promising(call) : call)(handle.rep);
      const finish = () => {
        isolate.leave(entered);
        now.thread = thread;
      };
      if (!(result instanceof Promise)) return finish();
      return resuming(
        thread,
        result.then(() => isolate.over ? never() : finish(), (error) => {
          if (isolate.disposed) return never();
          throw isolate.fail(error);
        }),
      );
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

/** Drops an object of the host's. */
export function disposeOf(resource: Partial<Disposable>): void {
  const dispose = resource[Symbol.dispose];
  if (dispose === undefined) return;
  if (!isAtOnce(dispose)) enterTask();
  resource[Symbol.dispose]!();
}
