/**
 * Lowered functions of components that use async: calls from one component to another, and to async host functions.
 *
 * Implements `canon_lower` of CanonicalABI.md.
 *
 * @module
 */
import { CALL_OFF } from "../../streams.ts";
import type { Cx } from "../context.ts";
import { keepOwns } from "../given_away.ts";
import type { Face } from "../handles.ts";
import { callName, errorOf, type ResolvedHost } from "../host_call.ts";
import { type CoreValue, Lifter } from "../lift.ts";
import { Lowerer } from "../lower.ts";
import type { HostFunc, LiftedFunc, OptionsPlan } from "../plan.ts";
import { flatParams, spillsParams } from "../signatures.ts";
import { type CoreFunction, type GuestThread, never, now, resuming } from "../thread.ts";
import { CANNOT_BLOCK, trap } from "../trap.ts";
import { type FuncType, MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_PARAMS } from "../types.ts";
import { compileParamsLift, compileResultLower } from "../values.ts";
import { fromCore } from "../wide.ts";
import { type AsyncCall, nextInSyncCall } from "./lift.ts";
import { CANCELLED, type GuestTask, TaskThread } from "./task.ts";
import { EVENT_SUBTASK, Subtask, SUBTASK_RETURNED, SUBTASK_STARTED } from "./waitable.ts";

type LowerResult = (cx: Cx, args: readonly CoreValue[], value: unknown) => CoreValue | undefined;

interface Ends {
  readonly liftParams: (cx: Cx, args: readonly CoreValue[]) => unknown[];
  readonly lowerResult: LowerResult;
}

function compileEnds(type: FuncType, options: OptionsPlan, face: Face): Ends {
  const lifter = new Lifter(face, options.encoding);
  const lowerer = new Lowerer(face, options.encoding);
  const max = options.async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
  return {
    liftParams: compileParamsLift(type, lifter, max),
    lowerResult: options.async ? storeResult(type, lowerer) : compileResultLower(type, lowerer),
  };
}

/** An async call's result always goes where the last argument points to. */
function storeResult({ result, ...type }: FuncType, lowerer: Lowerer): LowerResult {
  if (result === undefined) return () => undefined;
  const at = spillsParams({ result, ...type }, MAX_FLAT_ASYNC_PARAMS) ? 1 : flatParams({ result, ...type }).length;
  const store = lowerer.store(result);
  const { size, align } = result;
  return (cx, args, value) => {
    try {
      const ptr = fromCore(args[at]!);
      cx.checkTarget(ptr, align, size, "result");
      store(cx, ptr, value);
    } catch (error) {
      keepOwns(cx, [result], [value]);
      throw error;
    }
    return undefined;
  };
}

/** One call in the making: what both kinds of callee share. */
class Lowered {
  readonly subtask = new Subtask();
  readonly thread = now.thread as TaskThread;
  readonly cx: Cx;
  readonly #ends: Ends;
  readonly #options: OptionsPlan;
  readonly #args: readonly CoreValue[];
  #core: CoreValue | undefined;
  #onProgress: (() => void) | undefined;

  constructor(ends: Ends, options: OptionsPlan, args: readonly CoreValue[]) {
    this.#ends = ends;
    this.#options = options;
    this.#args = args;
    this.cx = this.thread.isolate.cx(options.cx);
    if (!this.cx.instance.mayLeave) trap("cannot leave component instance");
  }

  params(): unknown[] {
    this.#onProgress?.();
    const { cx, subtask } = this;
    subtask.state = SUBTASK_STARTED;
    cx.refresh();
    const values = this.#ends.liftParams(cx, this.#args);
    subtask.lenders = cx.lenders;
    cx.lenders = undefined;
    return values;
  }

  resolve(result: unknown): void {
    this.#onProgress?.();
    const { cx, subtask } = this;
    if (result !== CANCELLED) {
      cx.refresh();
      this.#core = this.#ends.lowerResult(cx, this.#args, result);
    }
    subtask.resolve(result === CANCELLED);
  }

  /** What the caller gets, once the callee has ended or blocks. */
  answer(): CoreValue | undefined | Promise<CoreValue | undefined> {
    const { subtask, thread } = this;
    if (this.#options.async) {
      if (subtask.resolved) {
        subtask.deliver();
        return SUBTASK_RETURNED;
      }
      const index = this.cx.instance.handles.add(subtask);
      this.#onProgress = () =>
        subtask.setEvent(() => {
          if (subtask.resolved) subtask.deliver();
          return [EVENT_SUBTASK, index, subtask.state];
        });
      return subtask.state | index << 4;
    }
    const done = () => {
      subtask.deliver();
      return this.#core;
    };
    if (subtask.resolved) return done();
    const waited = thread.waitUntil(() => subtask.resolved);
    return typeof waited === "boolean" ? done() : waited.then(done);
  }
}

/**
 * A call that is waited for may block, which a task that is not async must not before it has returned, unless another
 * thread can go on. The call traps even if the callee would not block this time, so that it does not depend on timing.
 */
function checkMayBlock(thread: GuestThread): void {
  if (thread instanceof TaskThread) {
    const { task } = thread;
    if (task.options.lift.type.async || task.resolved || nextInSyncCall(task.instance) !== undefined) return;
  }
  trap(CANNOT_BLOCK);
}

/** A function of core type by which one component calls another. */
export function lowerAsyncLifted(
  lift: LiftedFunc,
  call: AsyncCall,
  options: OptionsPlan,
  entered: readonly number[],
  face: Face,
): CoreFunction {
  const ends = compileEnds(lift.type, options, face);
  const blocks = lift.type.async && !options.async;
  return function componentCall(...args: CoreValue[]) {
    const { thread } = now;
    const { isolate } = thread;
    try {
      if (blocks) checkMayBlock(thread);
      const lowered = new Lowered(ends, options, args);
      const { subtask } = lowered;
      const started = call(isolate, {
        onStart: () => lowered.params(),
        onResolve: (result) => lowered.resolve(result),
      });
      const after = (task: GuestTask) => {
        subtask.onCancel = () => task.requestCancellation(entered);
        now.thread = thread;
        return lowered.answer();
      };
      const answer = started instanceof Promise ? started.then(after) : after(started);
      if (answer instanceof Promise) return settle(thread, answer);
      // Its callee may have stopped it.
      isolate.clock.start();
      return answer;
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

/** A function of core type by which a component calls an async function of the host. */
export function lowerAsyncHost(func: HostFunc, host: ResolvedHost, options: OptionsPlan, face: Face): CoreFunction {
  const ends = compileEnds(func.type, options, face);
  const fallible = func.type.result?.kind === "result";
  const name = callName(func);
  const blocks = !options.async;
  return function asyncHostCall(...args: CoreValue[]) {
    const { thread } = now;
    const { isolate } = thread;
    try {
      if (isolate.over) throw isolate.ended(`calling ${name}`);
      if (blocks) checkMayBlock(thread);
      const lowered = new Lowered(ends, options, args);
      const { subtask } = lowered;
      const values = lowered.params();
      isolate.task.countCall(name);
      isolate.called();
      let value: unknown;
      try {
        value = host.invoke(values);
        if (fallible && !(value instanceof Promise)) value = { tag: "ok", val: value };
      } catch (thrown) {
        value = errorOf(thrown, fallible);
      }
      now.thread = thread;
      if (!(value instanceof Promise)) lowered.resolve(value);
      else {
        isolate.scheduler.external++;
        const settled = (result: () => unknown) =>
          isolate.scheduler.post(() => {
            isolate.scheduler.external--;
            if (!subtask.resolved) lowered.resolve(result());
          });
        value.then(
          (value) => settled(() => fallible ? { tag: "ok", val: value } : value),
          (thrown) => settled(() => errorOf(thrown, fallible)),
        );
        subtask.onCancel = () => {
          const callOff = (value as { [CALL_OFF]?: () => void })[CALL_OFF];
          if (callOff === undefined) return;
          callOff.call(value);
          lowered.resolve(CANCELLED);
        };
      }
      const answer = lowered.answer();
      return answer instanceof Promise ? settle(thread, answer) : answer;
    } catch (error) {
      throw isolate.fail(error);
    }
  };
}

/** `answer` for a suspended guest: it is not resumed once its isolate is over. */
export function settle<T>(thread: Pick<TaskThread, "isolate">, answer: Promise<T>): Promise<T> {
  const { isolate } = thread;
  return resuming(
    thread as TaskThread,
    answer.then(
      (value) => isolate.over ? never() : value,
      (error) => {
        if (isolate.disposed) return never();
        throw isolate.fail(error);
      },
    ),
  );
}
