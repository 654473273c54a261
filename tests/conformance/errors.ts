/**
 * What an error means to a script: a trap, a refusal, or a defect of the engine.
 *
 * @module
 */
import { SkerryError } from "../../runtime/errors.ts";

/** An error and what caused it, outermost first. */
function chain(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let at = error; at !== undefined && found.length < 10; at = at instanceof Error ? at.cause : undefined) {
    found.push(at);
  }
  return found;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The whole story of an error, for a failed command. */
export function story(error: unknown): string {
  return chain(error).map(messageOf).join(" ← ");
}

/** The text of a trap; `undefined` when the error is none: of an engine with traps of its own, any error is one. */
export function trapText(error: unknown, ownTraps: boolean): string | undefined {
  const errors = chain(error);
  const trap = errors.find((e) => e instanceof WebAssembly.RuntimeError && e.constructor.name !== "SuspendError");
  // An instance that has trapped is not entered again.
  if (error instanceof SkerryError && error.message.endsWith("the isolate is over")) {
    return "cannot enter component instance";
  }
  if (trap instanceof Error) return trap.message;
  const uncaught = errors.find((e) =>
    "Exception" in WebAssembly && e instanceof (WebAssembly as unknown as { Exception: typeof Error }).Exception
  );
  if (uncaught !== undefined) return "uncaught exception";
  const overflow = errors.find((e) => e instanceof RangeError && e.message.includes("call stack"));
  if (overflow !== undefined) return "call stack exhausted";
  return ownTraps && error instanceof Error ? error.message : undefined;
}

/** Whether a guest trapped for the reason that the script means, as far as texts of different engines can tell. */
export function sameTrap(expected: string, actual: string): boolean {
  const isAssertion = (text: string) => text.includes("unreachable");
  return isAssertion(expected) === isAssertion(actual);
}

/** Whether the engine says that it does not support something. */
export function unsupported(error: unknown): string | undefined {
  if (!(error instanceof SkerryError) || error.code !== "component-unsupported") return undefined;
  return error.message.replace(/^[^:]*: /, "").replace(/, at offset .*$/, "");
}

/** Whether the engine refused a component, rather than failed at it. */
export function refusal(error: unknown): boolean {
  return error instanceof SkerryError &&
    (error.code === "component-malformed" || error.code === "component-over-limit");
}
