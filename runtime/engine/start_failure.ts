/**
 * What a guest that fails as it starts has done.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";

/**
 * What making an isolate threw, for whoever asked for it: a guest's own code runs then, and its traps are the guest's. What
 * the host lacks, such as memory, stays the host's.
 *
 * @param thrown by `instantiate` of a linked component
 * @param name of the function
 */
export function startFailure(thrown: unknown, name: string): unknown {
  const what = problemOf(thrown);
  if (what === undefined) return thrown;
  return new SkerryError("guest-trapped", `starting ${name}: ${what}`, { cause: thrown });
}

function problemOf(thrown: unknown): string | undefined {
  if (thrown instanceof WebAssembly.RuntimeError) return thrown.message;
  // TypeScript's library does not know exceptions yet.
  const { Exception } = WebAssembly as unknown as { Exception: new () => object };
  if (thrown instanceof Exception) return "it threw an exception that it did not catch";
  // Of this kind are also memories that V8 cannot make.
  if (thrown instanceof RangeError && thrown.message === "Maximum call stack size exceeded") return thrown.message;
  return undefined;
}
