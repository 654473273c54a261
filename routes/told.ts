/**
 * What is told of a failure in development, on a page and in JSON.
 *
 * @module
 */
import { type ErrorTrace, type Failure, thrownBy, traceError, withThrown } from "../runtime/mod.ts";

/** The message, and why a function is broken: that is what its developer wants to see. */
export function operatorsMessage({ error, task }: Failure): string {
  if (error.code === "function-broken" && error.cause instanceof Error) return error.cause.message;
  return task === null ? error.message : withThrown(error, task);
}

/** How the guest failed: what it threw; or, where it says nothing of that, each of the host's errors with its frames. */
export function guestTraces({ error, task }: Failure): ErrorTrace[] {
  const thrown = task === null ? undefined : thrownBy(task);
  if (thrown !== undefined) return [thrown];
  return traceError(error).filter(({ frames }) => frames.some(({ guest }) => guest));
}
