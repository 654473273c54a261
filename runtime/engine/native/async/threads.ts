/**
 * The canonical built-ins for threads that a guest makes itself. They take turns: one at a time runs.
 *
 * Implements `canon thread.*` of CanonicalABI.md.
 *
 * @module
 */
import type { Canon } from "../../../component/mod.ts";
import { onStack } from "../../stacks.ts";
import type { CoreValue } from "../lift.ts";
import type { CoreItem } from "../plan.ts";
import type { TableEntry } from "../resources.ts";
import { type CoreFunction, now, promising } from "../thread.ts";
import { trap } from "../trap.ts";
import { fromCore } from "../wide.ts";
import { taskBuiltin } from "./builtin.ts";
import { type Maybe, TaskThread } from "./task.ts";

/** `(module (type $i32 (func (param i32))) (type $i64 (func (param i64))) …)`: two functions that test with `ref.test`. */
const TYPE_TESTS = new Uint8Array([
  0x00,
  0x61,
  0x73,
  0x6d,
  0x01,
  0x00,
  0x00,
  0x00,
  0x01,
  0x0e,
  0x03,
  0x60,
  0x01,
  0x7f,
  0x00,
  0x60,
  0x01,
  0x7e,
  0x00,
  0x60,
  0x01,
  0x70,
  0x01,
  0x7f,
  0x03,
  0x03,
  0x02,
  0x02,
  0x02,
  0x07,
  0x0d,
  0x02,
  0x03,
  0x69,
  0x33,
  0x32,
  0x00,
  0x00,
  0x03,
  0x69,
  0x36,
  0x34,
  0x00,
  0x01,
  0x0a,
  0x11,
  0x02,
  0x07,
  0x00,
  0x20,
  0x00,
  0xfb,
  0x14,
  0x00,
  0x0b,
  0x07,
  0x00,
  0x20,
  0x00,
  0xfb,
  0x14,
  0x01,
  0x0b,
]);

/** A thread that a guest has made. */
class MadeThread extends TaskThread implements TableEntry {
  readonly limit = "subtasks";
}

let typeTests: Readonly<Record<"i32" | "i64", (func: unknown) => number>> | undefined;

/** `thread.new-indirect`: a thread that will run a function of a table. */
export function newIndirect(table: CoreItem, type: "i32" | "i64", owner: number): CoreFunction {
  return taskBuiltin(owner, ({ task, isolate, instance }, given: CoreValue, argument: CoreValue) => {
    if (table.kind !== "export") trap("a table is needed");
    const functions = isolate.export(table) as WebAssembly.Table;
    const index = fromCore(given);
    // Of a 64-bit table, both are bigints.
    if (index >= Number(functions.length)) trap("undefined element: out of bounds table access");
    const func = functions.get((typeof given === "bigint" ? BigInt(index) : index) as number) as CoreFunction | null;
    if (func === null) trap("uninitialized element");
    typeTests ??= new WebAssembly.Instance(new WebAssembly.Module(TYPE_TESTS)).exports as unknown as typeof typeTests;
    if (typeTests![type](func) === 0) trap("indirect call type mismatch");
    const thread = new MadeThread(isolate, instance, task);
    task.register(thread);
    thread.prepare(async () => {
      try {
        now.thread = thread;
        thread.canSuspend = true;
        isolate.clock.start();
        await onStack(isolate.task, promising(func), argument);
        isolate.clock.stop();
        task.unregister(thread);
      } catch (error) {
        isolate.failed(error);
      }
      thread.pause();
    });
    return thread.index;
  });
}

function threadAt({ isolate }: TaskThread, owner: number, index: number): TaskThread {
  const thread = isolate.instances[owner]!.threads.get(index >>> 0);
  return thread instanceof TaskThread ? thread : trap(`unknown thread index ${index}`);
}

function suspendedAt(thread: TaskThread, owner: number, index: number): TaskThread {
  const other = threadAt(thread, owner, index);
  return other.suspended ? other : trap("cannot resume thread which is not suspended");
}

function answer(cancelled: Maybe<boolean>): Maybe<number> {
  return typeof cancelled === "boolean" ? Number(cancelled) : cancelled.then(Number);
}

/** Those that take a thread's number, or nothing. */
export function threadBuiltin(canon: Canon, owner: number): CoreFunction {
  switch (canon.kind) {
    case "thread.index":
      return taskBuiltin(owner, (thread) => thread.index);
    case "thread.resume-later":
      return taskBuiltin(owner, (thread, index: number) => suspendedAt(thread, owner, index).startWaiting(() => true));
    case "thread.suspend":
      return taskBuiltin(owner, (thread) => answer(thread.suspend(canon.cancellable)));
    case "thread.suspend-then-resume":
      return taskBuiltin(owner, (thread, index: number) => {
        const other = suspendedAt(thread, owner, index);
        return answer(thread.suspend(canon.cancellable, other));
      });
    case "thread.yield-then-resume":
      return taskBuiltin(owner, (thread, index: number) => {
        const other = suspendedAt(thread, owner, index);
        return answer(thread.yield(canon.cancellable, undefined, other));
      });
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
      return taskBuiltin(owner, (thread, index: number) => {
        const other = threadAt(thread, owner, index);
        const promoted = other !== thread && other.ready?.() === true ? other : undefined;
        if (canon.kind === "thread.suspend-then-promote") return answer(thread.suspend(canon.cancellable, promoted));
        return answer(thread.yield(canon.cancellable, undefined, promoted));
      });
    default:
      throw new Error(`${canon.kind} is not linked`);
  }
}
