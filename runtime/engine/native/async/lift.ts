/**
 * Calls into lifted functions of components that use async.
 *
 * Implements `canon_lift` of CanonicalABI.md.
 *
 * @module
 */
import { onStack } from "../../stacks.ts";
import type { Face } from "../handles.ts";
import type { NativeIsolate } from "../isolate.ts";
import type { LiftOptions } from "../guest_call.ts";
import { type CoreValue, Lifter } from "../lift.ts";
import { Lowerer } from "../lower.ts";
import type { CoreItem, LiftedFunc } from "../plan.ts";
import type { ComponentState } from "../state.ts";
import { type CoreFunction, now, promising } from "../thread.ts";
import { CANNOT_BLOCK, trap } from "../trap.ts";
import { compileParamsLower, compileResultLift } from "../values.ts";
import { GuestTask, type Maybe, type TaskThread } from "./task.ts";
import { type Event, EVENT_NONE, EVENT_TASK_CANCELLED, WaitableSet } from "./waitable.ts";

const CALLBACK_EXIT = 0;
const CALLBACK_YIELD = 1;
const CALLBACK_WAIT = 2;

export interface StartOptions {
  readonly onStart: () => readonly unknown[];
  readonly onResolve: (result: unknown) => void;
  /** Hears when the callee has ended: it may run on after it has answered. */
  readonly onEnd?: () => void;
}

/** Starts a call. Answers with its task as soon as the callee has ended or blocks. */
export type AsyncCall = (isolate: NativeIsolate, options: StartOptions) => Maybe<GuestTask>;

export function compileAsyncLift(
  lift: LiftedFunc,
  face: Face,
  { entered, suspends, metered, toHost }: LiftOptions,
): AsyncCall {
  const { options, type } = lift;
  const lowerParams = compileParamsLower(type, new Lowerer(face, options.encoding));
  const liftResult = options.async ? undefined : compileResultLift(type, new Lifter(face, options.encoding));

  /** @param free whether it may be suspended so that others can run: as long as its caller may be, or is not waiting */
  const callable = (isolate: NativeIsolate, item: CoreItem, thread: TaskThread, free: boolean): CoreFunction => {
    const call = isolate.func(item);
    const isExport = item.kind === "export";
    thread.canSuspend = isExport && free && (suspends || metered);
    if (!isExport || !(suspends || metered && free)) return call;
    const onOwnStack = promising(call);
    // Of those that the host calls, the isolate has one.
    return toHost ? onOwnStack : (...args) => onStack(isolate.task, onOwnStack, ...args);
  };

  async function run(
    isolate: NativeIsolate,
    task: GuestTask,
    callerCan: boolean,
    onEnd: (() => void) | undefined,
  ): Promise<void> {
    const { thread } = task;
    let free = callerCan;
    try {
      // Awaits only where it must: a callee that does not block has ended when its caller goes on.
      const waiting = type.async ? enter(task) : true;
      if (typeof waiting !== "boolean") free = true;
      if (!(typeof waiting === "boolean" ? waiting : await waiting)) return thread.pause();
      now.thread = thread;
      isolate.clock.start();
      const cx = isolate.cx(options.cx);
      cx.refresh();
      const values = task.start();
      cx.scope = task;
      const flat = lowerParams(cx, values);
      cx.scope = undefined;
      now.thread = thread;
      let core: CoreValue | undefined = callable(isolate, lift.core, thread, free)(...flat);
      if (core as unknown instanceof Promise) core = await core;
      if (liftResult !== undefined) {
        cx.refresh();
        task.return(liftResult(cx, core));
        postReturn(isolate, thread, core);
      } else if (options.callback !== undefined) {
        const looping = callbacks(isolate, task, core as number, free);
        if (looping !== undefined) await looping;
      }
      exit(task);
      isolate.clock.stop();
      onEnd?.();
    } catch (error) {
      isolate.failed(error);
    }
    thread.pause();
  }

  function postReturn(isolate: NativeIsolate, thread: TaskThread, core: CoreValue | undefined): void {
    if (options.postReturn === undefined) return;
    now.thread = thread;
    thread.canSuspend = false;
    thread.instance.mayLeave = false;
    const call = isolate.func(options.postReturn);
    if (core === undefined) call();
    else call(core);
    thread.instance.mayLeave = true;
  }

  function callbacks(
    isolate: NativeIsolate,
    task: GuestTask,
    packed: number,
    free: boolean,
  ): Promise<void> | undefined {
    // Not an async function, so that a guest which does not wait costs no promise.
    return (packed & 0xf) === CALLBACK_EXIT ? undefined : callbackLoop(isolate, task, packed, free);
  }

  async function callbackLoop(
    isolate: NativeIsolate,
    task: GuestTask,
    first: number,
    callerCan: boolean,
  ): Promise<void> {
    const { thread, instance } = task;
    let free = callerCan;
    const alone = () => instance.exclusive === undefined;
    let packed = first;
    while ((packed & 0xf) !== CALLBACK_EXIT) {
      isolate.clock.stop();
      instance.exclusive = undefined;
      let event: Event;
      switch (packed & 0xf) {
        case CALLBACK_YIELD: {
          const waited = thread.yield(true, alone);
          if (typeof waited !== "boolean") free = true;
          const cancelled = typeof waited === "boolean" ? waited : await waited;
          event = [cancelled ? EVENT_TASK_CANCELLED : EVENT_NONE, 0, 0];
          break;
        }
        case CALLBACK_WAIT: {
          const set = instance.handles.get(packed >>> 4);
          if (!(set instanceof WaitableSet)) trap(`handle index ${packed >>> 4} is not a waitable set`);
          const waited = set.wait(thread, true, alone);
          if (waited instanceof Promise) free = true;
          event = waited instanceof Promise ? await waited : waited;
          break;
        }
        default:
          trap("unsupported callback code");
      }
      instance.exclusive = thread;
      now.thread = thread;
      isolate.clock.start();
      const callback = callable(isolate, options.callback!, thread, free);
      const result: Maybe<number> = callback(event[0], event[1], event[2]);
      packed = result instanceof Promise ? await result : result;
    }
  }

  return function asyncCall(isolate, { onStart, onResolve, onEnd }) {
    isolate.enter(entered);
    const instance = isolate.instances[lift.owner]!;
    const callerCan = toHost || now.thread.canSuspend;
    const task = new GuestTask({ lift, instance, isolate, toHost, onStart, onResolve });
    isolate.scheduler.taskBegins();
    if (!type.async) task.register(task.thread);
    const start = () => {
      const paused = task.thread.start(() => run(isolate, task, callerCan, onEnd));
      return paused === undefined ? after() : paused.then(after);
    };
    const after = (): Maybe<GuestTask> => {
      if (isolate.over) throw isolate.reason;
      if (!type.async && !task.resolved) return finishSync(isolate, task).then(leave);
      return leave();
    };
    const leave = () => {
      isolate.leave(entered);
      return task;
    };
    return !toHost && holds(task) ? letGoOn(isolate, task).then(start) : start();
  };
}

/** Whether the thread that keeps a task from beginning has what it waited for. */
function holds(task: GuestTask): boolean {
  const { exclusive } = task.instance;
  return exclusive?.ready?.() === true && task.options.lift.type.async && task.needsExclusive;
}

/**
 * Who calls a component lets its code run: a thread there that can go on does so before the call is said to wait for it.
 * Otherwise a caller that has just answered a thread's read, and calls again, would find it in its own way. Once only:
 * a thread that yields again and again is always ready.
 */
async function letGoOn(isolate: NativeIsolate, { instance }: GuestTask): Promise<void> {
  await instance.exclusive!.resume();
  if (isolate.over) throw isolate.reason;
}

/** Waits until the task may begin; answers whether it may, at once if it need not wait. */
function enter(task: GuestTask): Maybe<boolean> {
  const { instance, thread } = task;
  const begin = () => {
    if (task.needsExclusive) instance.exclusive = thread;
    task.register(thread);
    return true;
  };
  if (!task.hasBackpressure() && instance.waitingToEnter === 0) return begin();
  instance.waitingToEnter++;
  const waited = thread.waitUntil(() => !task.hasBackpressure(), true);
  const after = (cancelled: boolean) => {
    instance.waitingToEnter--;
    if (!cancelled) return begin();
    task.cancel();
    task.options.isolate.scheduler.taskEnds();
    return false;
  };
  return typeof waited === "boolean" ? after(waited) : waited.then(after);
}

function exit(task: GuestTask): void {
  const { instance, thread } = task;
  task.unregister(thread);
  if (instance.exclusive === thread) instance.exclusive = undefined;
  task.options.isolate.scheduler.taskEnds();
}

/** The thread to go on with when a function that is not async blocks. */
export function nextInSyncCall(instance: ComponentState): TaskThread | undefined {
  for (const thread of instance.threads.values() as Iterable<TaskThread>) {
    if (!usesStackAlone(thread) && thread.ready?.() === true) return thread;
  }
  return undefined;
}

/** Whether a thread must not run while another call of its instance is on the one stack in linear memory. */
function usesStackAlone(thread: TaskThread): boolean {
  const { task } = thread;
  return thread === task.thread && task.options.lift.type.async && task.needsExclusive;
}

/** A function that is not async may wait only for other threads of its own instance. */
async function finishSync(isolate: NativeIsolate, task: GuestTask): Promise<void> {
  const { instance } = task;
  while (!task.resolved) {
    const next = nextInSyncCall(instance) ?? trap(CANNOT_BLOCK);
    await next.resume();
    if (isolate.over) throw isolate.reason;
  }
}
