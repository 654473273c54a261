/**
 * The canonical built-ins of async, but for those of streams and futures.
 *
 * Implements "Canonical Definitions" of CanonicalABI.md.
 *
 * @module
 */
import type { Canon } from "../../../component/mod.ts";
import type { Face } from "../handles.ts";
import { type CoreValue, Lifter } from "../lift.ts";
import { type OptionsPlan, sameItem } from "../plan.ts";
import { loadString, stored, storeString } from "../strings.ts";
import { type CoreFunction, now } from "../thread.ts";
import { trap } from "../trap.ts";
import type { ValueType } from "../types.ts";
import { compileParamsLift } from "../values.ts";
import { fromCore, storeWide, unitsFromWide, unitsToWide } from "../wide.ts";
import { builtin, taskBuiltin } from "./builtin.ts";
import { threadBuiltin } from "./threads.ts";
import { TaskThread } from "./task.ts";
import {
  BLOCKED,
  CANCELLED_IN_SET,
  type Event,
  EVENT_NONE,
  EVENT_TASK_CANCELLED,
  Subtask,
  Waitable,
  WaitableSet,
} from "./waitable.ts";

export function taskReturn(
  result: ValueType | undefined,
  options: OptionsPlan,
  owner: number,
  faces: { readonly host: Face; readonly component: Face },
): CoreFunction {
  const type = {
    async: true,
    params: result === undefined ? [] : [{ name: "result", type: result }],
    result: undefined,
  };
  const forHost = compileParamsLift(type, new Lifter(faces.host, options.encoding));
  const forComponent = compileParamsLift(type, new Lifter(faces.component, options.encoding));
  return taskBuiltin(owner, ({ task, isolate }, ...args: CoreValue[]) => {
    const lift = task.options.lift;
    if (!lift.options.async) trap("`task.return` called by a task that was not lifted async");
    if (lift.type.result !== result) trap("invalid `task.return` signature and/or options for current task");
    const own = lift.options;
    const otherMemory = options.memory !== undefined && !sameItem(own.memory, options.memory);
    if (own.encoding !== options.encoding || otherMemory) {
      trap("invalid `task.return` signature and/or options for current task");
    }
    const cx = isolate.cx(options.cx);
    cx.refresh();
    task.return((task.options.toHost ? forHost : forComponent)(cx, args)[0]);
  });
}

function waitableSet(thread: TaskThread, owner: number, index: number): WaitableSet {
  const set = thread.isolate.instances[owner]!.handles.get(index >>> 0);
  return set instanceof WaitableSet ? set : trap(`handle index ${index} is not a waitable set`);
}

/** `waitable-set.wait` and `waitable-set.poll`. */
export function waitOrPoll(wait: boolean, cancellable: boolean, cxIndex: number, owner: number): CoreFunction {
  return builtin(owner, (thread, index: number, address: CoreValue) => {
    const ptr = fromCore(address);
    const set = waitableSet(thread, owner, index);
    const deliver = ([code, a, b]: Event) => {
      const cx = thread.isolate.cx(cxIndex);
      cx.refresh();
      cx.checkTarget(ptr, 4, 8, "event");
      cx.dv.setUint32(ptr, a, true);
      cx.dv.setUint32(ptr + 4, b, true);
      return code;
    };
    if (wait) {
      const event = set.wait(thread, cancellable);
      return event instanceof Promise ? event.then(deliver) : deliver(event);
    }
    if (thread instanceof TaskThread && thread.task.deliverPendingCancel(cancellable)) {
      return deliver([EVENT_TASK_CANCELLED, 0, 0]);
    }
    return deliver(set.hasEvent ? set.takeEvent() : [EVENT_NONE, 0, 0]);
  });
}

/** What is kept of an error's message, which a host may shorten as it likes: a guest may have as many as it may handles. */
const MAX_DEBUG_CHARS = 4096;

/** What a component sees of an error. */
export class ErrorContext {
  readonly debugMessage: string;

  constructor(debugMessage: string) {
    // A copy, for V8 would keep the whole as long as a part of it.
    const isLong = debugMessage.length > MAX_DEBUG_CHARS;
    this.debugMessage = isLong ? copyOf(debugMessage.slice(0, MAX_DEBUG_CHARS)) : debugMessage;
  }
}

function copyOf(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

export function errorContextNew(options: OptionsPlan, owner: number): CoreFunction {
  return builtin(owner, ({ isolate }, ptr: CoreValue, length: CoreValue) => {
    const cx = isolate.cx(options.cx);
    cx.refresh();
    const units = typeof length === "bigint" ? unitsFromWide(length, options.encoding) : length >>> 0;
    const message = loadString(cx, fromCore(ptr), units, options.encoding);
    return isolate.instances[owner]!.handles.add(new ErrorContext(message));
  });
}

export function errorContextMessage(options: OptionsPlan, owner: number): CoreFunction {
  return builtin(owner, ({ isolate }, index: number, ptr: CoreValue) => {
    const context = isolate.instances[owner]!.handles.get(index >>> 0);
    if (!(context instanceof ErrorContext)) trap(`handle index ${index} is not an error context`);
    const cx = isolate.cx(options.cx);
    cx.refresh();
    const at = fromCore(ptr);
    const { encoding, wide } = options;
    cx.checkTarget(at, wide ? 8 : 4, wide ? 16 : 8, "string");
    storeString(cx, context.debugMessage, encoding);
    if (wide) return storeWide(cx, at, stored.ptr, unitsToWide(stored.units, encoding));
    cx.dv.setUint32(at, stored.ptr, true);
    cx.dv.setUint32(at + 4, stored.units, true);
  });
}

/** Whether a built-in may suspend the guest. */
export function builtinWaits(canon: Canon): boolean {
  switch (canon.kind) {
    case "thread.yield":
    case "subtask.cancel":
    case "thread.suspend":
    case "thread.suspend-then-resume":
    case "thread.yield-then-resume":
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
      return true;
    default:
      return false;
  }
}

/** Those that have no types and no memory. */
/** @param strict whether a subtask in a set may not be cancelled without `async`, not even where that is over at once */
export function plainBuiltin(canon: Canon, owner: number, strict: boolean): CoreFunction {
  switch (canon.kind) {
    case "task.cancel":
      return taskBuiltin(owner, ({ task }) => {
        if (!task.options.lift.options.async) trap("`task.cancel` called by a task that was not lifted async");
        task.cancel();
      });
    case "backpressure.inc":
      return builtin(owner, ({ isolate }) => {
        if (++isolate.instances[owner]!.backpressure === 2 ** 16) trap("backpressure counter overflow");
      }, false);
    case "backpressure.dec":
      return builtin(owner, ({ isolate }) => {
        if (--isolate.instances[owner]!.backpressure < 0) trap("backpressure counter underflow");
      }, false);
    case "context.get": {
      const { slot } = canon;
      if (canon.type === "i64") return () => BigInt.asIntN(64, BigInt(now.thread.storage[slot as 0 | 1]));
      return () => Number(now.thread.storage[slot as 0 | 1]);
    }
    case "context.set": {
      const { slot } = canon;
      return (value: CoreValue) => {
        now.thread.storage[slot as 0 | 1] = value;
      };
    }
    case "waitable-set.new":
      return builtin(owner, ({ isolate }) => isolate.instances[owner]!.handles.add(new WaitableSet()));
    case "waitable-set.drop":
      return builtin(owner, (thread, index: number) => {
        const set = waitableSet(thread, owner, index);
        set.drop();
        thread.isolate.instances[owner]!.handles.remove(index >>> 0);
      });
    case "waitable.join":
      return builtin(owner, (thread, index: number, set: number) => {
        const waitable = thread.isolate.instances[owner]!.handles.get(index >>> 0);
        if (!(waitable instanceof Waitable)) trap(`handle index ${index} is not a waitable`);
        if (waitable.hasSyncWaiter) trap("cannot join a waitable that is being waited for synchronously");
        waitable.join(set === 0 ? undefined : waitableSet(thread, owner, set));
      });
    case "subtask.drop":
      return builtin(owner, ({ isolate }, index: number) => {
        const { handles } = isolate.instances[owner]!;
        const subtask = handles.get(index >>> 0);
        if (!(subtask instanceof Subtask)) trap(`handle index ${index} is not a subtask`);
        subtask.drop();
        handles.remove(index >>> 0);
      });
    case "subtask.cancel":
      return builtin(owner, (thread, index: number) => cancelSubtask(thread, owner, index >>> 0, canon.async, strict));
    case "error-context.drop":
      return builtin(owner, ({ isolate }, index: number) => {
        const { handles } = isolate.instances[owner]!;
        if (!(handles.get(index >>> 0) instanceof ErrorContext)) trap(`handle index ${index} is not an error context`);
        handles.remove(index >>> 0);
      });
    case "thread.yield":
      return taskBuiltin(owner, (thread) => {
        const waited = thread.yield(canon.cancellable);
        return typeof waited === "boolean" ? Number(waited) : waited.then(Number);
      });
    default:
      return threadBuiltin(canon, owner);
  }
}

function cancelSubtask(
  thread: TaskThread,
  owner: number,
  index: number,
  isAsync: boolean,
  strict: boolean,
): unknown {
  const subtask = thread.isolate.instances[owner]!.handles.get(index);
  if (!(subtask instanceof Subtask)) trap(`handle index ${index} is not a subtask`);
  if (subtask.delivered) trap("`subtask.cancel` called after terminal status delivered");
  if (subtask.cancellationRequested) trap("`subtask.cancel` called twice");
  const waitsInSet = subtask.inSet && !isAsync;
  if (waitsInSet && strict) trap(CANCELLED_IN_SET);
  const take = () => {
    subtask.takeEvent();
    return subtask.state;
  };
  if (subtask.resolved) return take();
  subtask.cancellationRequested = true;
  const after = (): unknown => {
    now.thread = thread;
    if (subtask.resolved) return take();
    if (waitsInSet) trap(CANCELLED_IN_SET);
    return isAsync ? BLOCKED : subtask.waitForEvent(thread).then(take);
  };
  const running = subtask.onCancel?.();
  return running === undefined ? after() : running.then(after);
}
