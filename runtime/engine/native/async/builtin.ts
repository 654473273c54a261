/**
 * What all canonical built-ins have in common that run for a guest's thread.
 *
 * @module
 */
import { type CoreFunction, now } from "../thread.ts";
import { trap } from "../trap.ts";
import { settle } from "./lower.ts";
import { TaskThread } from "./task.ts";

/** Runs a built-in for the current thread: whatever goes wrong ends the isolate, and a promise suspends the guest. */
export function builtin<A extends unknown[]>(
  owner: number,
  body: (thread: TaskThread, ...args: A) => unknown,
  mustLeave = true,
): CoreFunction {
  return function builtin(...args: A): unknown {
    const thread = now.thread as TaskThread;
    const { isolate } = thread;
    try {
      if (isolate.over) throw isolate.ended("calling a built-in");
      if (mustLeave && !isolate.instances[owner]!.mayLeave) trap("cannot leave component instance");
      isolate.called();
      const result = body(thread, ...args);
      if (result instanceof Promise) return settle(thread, result);
      // Another thread may have run meanwhile, and stopped it.
      isolate.clock.start();
      return result;
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

/** The same for a built-in that is about the current task: a start function, an allocator and a destructor have none. */
export function taskBuiltin<A extends unknown[]>(
  owner: number,
  body: (thread: TaskThread, ...args: A) => unknown,
): CoreFunction {
  return builtin(owner, (thread, ...args: A) => {
    if (!(thread instanceof TaskThread)) trap("a built-in for tasks called where there is no task");
    return body(thread, ...args);
  });
}
