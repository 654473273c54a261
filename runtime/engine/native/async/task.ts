/**
 * Tasks and threads of components that use async.
 *
 * Implements "Threads" and "Tasks" of CanonicalABI.md.
 *
 * @module
 */
import type { BorrowScope } from "../resources.ts";
import type { NativeIsolate } from "../isolate.ts";
import type { LiftedFunc } from "../plan.ts";
import type { ComponentState } from "../state.ts";
import { GuestThread } from "../thread.ts";
import { trap } from "../trap.ts";

/** What a task's caller gets instead of a result when the task was cancelled. */
export const CANCELLED: unique symbol = Symbol("cancelled");

/** A promise only where a guest's stack had to be suspended. */
export type Maybe<T> = T | Promise<T>;

/** From when a thread is started or resumed until guest code stops: perhaps in another thread, which it switched to. */
class Run {
  over = false;
  #resolve: (() => void) | undefined;

  end(): void {
    this.over = true;
    this.#resolve?.();
  }

  /** A promise for the end; `undefined` when it has come already. */
  get ended(): Promise<void> | undefined {
    return this.over ? undefined : new Promise((resolve) => this.#resolve = resolve);
  }
}

/**
 * A thread of a task. The spec's `resume` answers when the thread blocks or ends; {@linkcode start} and
 * {@linkcode resume} answer with a promise of that, or with `undefined` when it has happened already.
 */
export class TaskThread extends GuestThread {
  readonly task: GuestTask;
  /** Its number in its component instance, once it is registered. */
  index = 0;
  cancellable = false;
  /** Set while the thread waits for something that may have happened. */
  ready: (() => boolean) | undefined;
  #run: Run | undefined;
  #continue: ((cancelled: boolean) => void) | undefined;

  constructor(isolate: NativeIsolate, instance: ComponentState, task: GuestTask) {
    super(isolate, instance);
    this.task = task;
  }

  /** Whether it neither runs nor waits: only another thread can make it go on. */
  get suspended(): boolean {
    return this.#continue !== undefined && this.ready === undefined;
  }

  /** What the thread will do when it is first resumed. */
  prepare(body: () => unknown): void {
    this.#continue = body;
  }

  start(body: () => unknown): Promise<void> | undefined {
    this.prepare(body);
    return this.resume();
  }

  resume(cancelled = false): Promise<void> | undefined {
    const run = new Run();
    this.#resumeIn(run, cancelled);
    return run.ended;
  }

  #resumeIn(run: Run, cancelled: boolean): void {
    this.stopWaiting();
    this.#run = run;
    const go = this.#continue!;
    this.#continue = undefined;
    go(cancelled);
  }

  stopWaiting(): void {
    this.isolate.scheduler.waiting.delete(this);
    this.ready = undefined;
  }

  startWaiting(ready: () => boolean): void {
    this.ready = ready;
    this.isolate.scheduler.waiting.add(this);
  }

  /** Stops until somebody resumes this thread, perhaps to go on in `other`; answers whether it was cancelled. */
  block(cancellable: boolean, other?: TaskThread): Promise<boolean> {
    this.cancellable = cancellable;
    const resumed = new Promise<boolean>((resolve) => this.#continue = resolve);
    if (other === undefined) this.pause();
    else {
      const run = this.#run!;
      this.#run = undefined;
      other.#resumeIn(run, false);
    }
    return resumed;
  }

  /** Stops until `ready`; answers whether the wait was cancelled. */
  waitUntil(ready: () => boolean, cancellable = false): Maybe<boolean> {
    if (this.task.deliverPendingCancel(cancellable)) return true;
    if (ready()) return false;
    this.startWaiting(ready);
    return this.block(cancellable);
  }

  /** Lets others run, `other` first; answers whether it was cancelled. */
  yield(cancellable: boolean, ready: () => boolean = () => true, other?: TaskThread): Maybe<boolean> {
    if (this.task.deliverPendingCancel(cancellable)) return true;
    this.startWaiting(ready);
    return this.block(cancellable, other);
  }

  /** Stops until another thread makes it go on; `other` goes on in the meantime. */
  suspend(cancellable: boolean, other?: TaskThread): Maybe<boolean> {
    if (this.task.deliverPendingCancel(cancellable)) return true;
    return this.block(cancellable, other);
  }

  /** The thread has blocked or ended. */
  pause(): void {
    this.#run?.end();
    this.#run = undefined;
  }
}

export const TASK_INITIAL = 1;
export const TASK_STARTED = 2;
export const TASK_PENDING_CANCEL = 3;
export const TASK_CANCEL_DELIVERED = 4;
export const TASK_RESOLVED = 5;

export interface TaskOptions {
  readonly lift: LiftedFunc;
  readonly instance: ComponentState;
  readonly isolate: NativeIsolate;
  /** Whether the host called. */
  readonly toHost: boolean;
  readonly onStart: () => readonly unknown[];
  /** Gets the result, or {@linkcode CANCELLED}. */
  readonly onResolve: (result: unknown) => void;
}

/** One call of a lifted function. */
export class GuestTask implements BorrowScope {
  readonly options: TaskOptions;
  readonly instance: ComponentState;
  readonly thread: TaskThread;
  readonly #threads = new Set<TaskThread>();
  state: number = TASK_INITIAL;
  borrows = 0;

  constructor(options: TaskOptions) {
    this.options = options;
    this.instance = options.instance;
    this.thread = new TaskThread(options.isolate, options.instance, this);
  }

  get resolved(): boolean {
    return this.state === TASK_RESOLVED;
  }

  get needsExclusive(): boolean {
    const { options } = this.options.lift;
    return !options.async || options.callback !== undefined;
  }

  hasBackpressure(): boolean {
    const { instance } = this;
    return instance.backpressure > 0 || (this.needsExclusive && instance.exclusive !== undefined);
  }

  register(thread: TaskThread): void {
    this.#threads.add(thread);
    thread.index = this.instance.threads.add(thread);
  }

  unregister(thread: TaskThread): void {
    this.#threads.delete(thread);
    this.instance.threads.remove(thread.index);
    if (this.#threads.size > 0) return;
    if (this.state !== TASK_RESOLVED) trap("async-lifted export failed to produce a result");
  }

  /** The caller wants the call cancelled. Answers when the guest has had its say. */
  requestCancellation(entered: readonly number[]): Promise<void> | undefined {
    const { thread, instance } = this;
    if (this.state === TASK_INITIAL) {
      this.state = TASK_CANCEL_DELIVERED;
      return thread.resume(true);
    }
    let [candidate] = [...this.#threads].filter((t) => t.cancellable && t !== thread);
    const implicitMay = !this.needsExclusive || instance.exclusive === undefined || instance.exclusive === thread;
    if (candidate === undefined && this.#threads.has(thread) && thread.cancellable && implicitMay) candidate = thread;
    const { isolate } = this.options;
    if (candidate === undefined || !entered.every((index) => isolate.instances[index]!.mayEnter)) {
      this.state = TASK_PENDING_CANCEL;
      return undefined;
    }
    this.state = TASK_CANCEL_DELIVERED;
    isolate.enter(entered);
    const paused = candidate.resume(true);
    if (paused !== undefined) return paused.then(() => isolate.leave(entered));
    isolate.leave(entered);
    return undefined;
  }

  deliverPendingCancel(cancellable: boolean): boolean {
    if (!cancellable || this.state !== TASK_PENDING_CANCEL) return false;
    this.state = TASK_CANCEL_DELIVERED;
    return true;
  }

  start(): readonly unknown[] {
    this.state = TASK_STARTED;
    return this.options.onStart();
  }

  return(result: unknown): void {
    if (this.state === TASK_RESOLVED) trap("`task.return` or `task.cancel` called more than once for current task");
    if (this.borrows > 0) trap("borrow handles still remain at the end of the call");
    this.options.onResolve(result);
    this.state = TASK_RESOLVED;
  }

  cancel(): void {
    if (this.state !== TASK_CANCEL_DELIVERED) {
      trap(
        this.state === TASK_RESOLVED
          ? "`task.return` or `task.cancel` called more than once for current task"
          : "`task.cancel` called by task which has not been cancelled",
      );
    }
    if (this.borrows > 0) trap("borrow handles still remain at the end of the call");
    this.options.onResolve(CANCELLED);
    this.state = TASK_RESOLVED;
  }
}
