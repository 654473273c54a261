/**
 * What is told of a failure in development, on a page and in JSON.
 *
 * @module
 */
import {
  type ErrorTrace,
  type Failure,
  type Task,
  thrownBy,
  traceError,
  withoutSecrets,
  withThrown,
} from "../runtime/mod.ts";

/** The message, and why a function is broken: that is what its developer wants to see. */
export function operatorsMessage({ error, task }: Failure): string {
  if (error.code === "function-broken" && error.cause instanceof Error) return error.cause.message;
  return task === null ? error.message : withoutSecrets(task, withThrown(error, task));
}

/** How the guest failed: what it threw; or, where it says nothing of that, each of the host's errors with its frames. */
export function guestTraces({ error, task }: Failure): ErrorTrace[] {
  const thrown = task === null ? undefined : thrownBy(task);
  if (thrown !== undefined) return [shown(thrown, task)];
  return hostTraces({ error, task }).filter(({ frames }) => frames.some(({ guest }) => guest));
}

/** Each error that the host has met, with its frames. */
export function hostTraces({ error, task }: Pick<Failure, "error" | "task">): ErrorTrace[] {
  return traceError(error).map((trace) => shown(trace, task));
}

/** A trace without what the guest may not have said. */
function shown(trace: ErrorTrace, task: Task | null): ErrorTrace {
  return task === null ? trace : { ...trace, title: withoutSecrets(task, trace.title) };
}
