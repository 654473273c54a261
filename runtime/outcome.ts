/**
 * What became of a task: the last record of its log, and the counts of its process.
 *
 * @module
 */
import { ERROR_KINDS, type SkerryError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { formatTrace, originOf } from "./stack/mod.ts";
import { thrownBy, thrownFor, titleLine, withThrown } from "./stack/thrown.ts";
import type { Task } from "./task.ts";

/** Tells the log and the counts that a task came to its end. `label` says what it was for. */
export function concludeDone(task: Task, metrics: Metrics, label: () => string, status?: number): void {
  metrics.record(task, status === undefined ? "done" : String(status));
  if (!task.logs) return;
  const thrown = status === 500 ? thrownBy(task) : undefined;
  if (thrown !== undefined) {
    const code = "guest-threw";
    const { culprit } = ERROR_KINDS[code];
    const stack = formatTrace(thrown);
    const message = `${label()} ${code}: its fetch() threw ${titleLine(thrown)}`;
    return task.conclude("error", message, { ...summary(task, status), code, culprit, stack });
  }
  task.conclude("info", status === undefined ? label() : `${label()} ${status}`, summary(task, status));
}

/** Tells them that it failed, and why. */
export function concludeFailed(task: Task, metrics: Metrics, label: () => string, error: SkerryError): void {
  metrics.record(task, error.code);
  const level = error.code === "caller-gone" ? "info" : "error";
  // What a guest in JavaScript threw says more than the frames of the engine that it runs on.
  const thrown = thrownFor(error, task);
  const stack = thrown === undefined ? originOf(error) : formatTrace(thrown);
  task.conclude(
    level,
    `${label()} ${error.code}: ${withThrown(error, task)}`,
    {
      ...summary(task, error.status),
      code: error.code,
      culprit: error.culprit,
      ...(stack === undefined ? {} : { stack }),
    },
  );
}

function summary(task: Task, status?: number): Record<string, unknown> {
  let calls = 0;
  for (const count of task.calls.values()) calls += count;
  return {
    ...(status === undefined ? {} : { status }),
    ms: rounded(task.elapsedMs),
    cpuMs: rounded(task.cpuMs),
    calls,
    ...(task.met.size === 0 ? {} : { limits: Object.fromEntries(task.met) }),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
