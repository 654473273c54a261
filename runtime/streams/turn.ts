/**
 * Letting others run: whoever could go on for ever gives the event loop back now and then.
 *
 * Deno looks at its sockets when it has nothing else to do, or when it looks at its timers, which it does whenever one is
 * set; while there is always an immediate or a settled promise, it looks at them hardly ever, and requests waited for
 * half a second. So a turn is a timer where guests compute, and every so often where they only call the host.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import { currentTask, enterTask } from "../context.ts";
import { taskLocal } from "../task.ts";

/** How long a guest may go from one host call that need not wait to the next before others get a turn. */
const TURN_MS = 1;

/** How long turns may do without a timer. */
const SOCKETS_MS = 8;

/** Those that have run long and wait for their turn, by function. */
const lines = new Map<string, (() => void)[]>();

/** Whether a timer is set for the next turn. */
let armed = false;
/** When the last one fired, by `performance.now()`. */
let firedAt = 0;

/**
 * A turn of the event loop, sockets and timers included. Of all that wait for one, each turn resumes one, and the
 * functions take turns: what everybody else waits is one guest's time, however many there are.
 *
 * @example
 * ```ts
 * import { fairTurn } from "./turn.ts";
 *
 * await fairTurn("hello");
 * ```
 */
export function fairTurn(functionName: string): Promise<void> {
  return new Promise((resolve) => {
    if (!armed) arm();
    const line = lines.get(functionName);
    if (line === undefined) lines.set(functionName, [resolve]);
    else line.push(resolve);
  });
}

/** Whether a guest of the function stands in line: it could go on, and others come first. */
export function isInLine(functionName: string): boolean {
  return lines.has(functionName);
}

function arm(): void {
  // Only then: on a stack that is full it throws, and nobody would ever set another.
  setTimeout(next, 0);
  armed = true;
}

function next(): void {
  armed = false;
  firedAt = performance.now();
  for (const [name, line] of lines) {
    const resume = line.shift()!;
    lines.delete(name);
    // To the back: the others' turns come first.
    if (line.length > 0) lines.set(name, line);
    // Now, not when it has stopped: by then the timer is due, where one that has to be waited for takes two milliseconds.
    arm();
    return resume();
  }
}

/** Since when a task has been asked: from the second time on, for most are never asked twice, and the clock takes time. */
const since = taskLocal((): { asked: boolean; at: number | undefined } => ({ asked: false, at: undefined }));

/**
 * A turn, if this task has run for a while without one; nothing otherwise.
 *
 * A promise that is already settled resumes a guest before any timer or socket is looked at: a guest that polls what is
 * always ready, or writes to a reader that is always ahead, would starve everyone and outlive its own deadline.
 *
 * @example
 * ```ts
 * import { withTask } from "../context.ts";
 * import { Task } from "../task.ts";
 * import { yieldTurn } from "./turn.ts";
 *
 * const task = new Task({ function: "hello" });
 * await withTask(task, async () => await yieldTurn());
 * task.end();
 * ```
 */
export function yieldTurn(): Promise<void> | undefined {
  const last = since();
  if (!last.asked) {
    last.asked = true;
    return undefined;
  }
  const now = performance.now();
  last.at ??= now;
  if (now - last.at < TURN_MS) return undefined;
  const had = () => {
    last.at = performance.now();
  };
  enterTask();
  // Where nobody computes, a guest that streams need not wait for a timer each time.
  if (lines.size > 0 || now - firedAt > SOCKETS_MS) return fairTurn(currentTask().function).then(had);
  return new Promise<void>((resolve) => setImmediate(resolve)).then(had);
}

/** Calls `body` after everything that is ready now had its turn. Returns a function that takes it back. */
export function afterTurn(body: () => void): () => void {
  // Bound: what a closure made here holds can outlive many requests, until all of memory is collected.
  return clearImmediate.bind(null, setImmediate(body));
}
