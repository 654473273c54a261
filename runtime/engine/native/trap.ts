/**
 * Traps: what ends a guest for a breach of the Component Model's rules.
 *
 * @module
 */
export { uncatchable } from "../uncatchable.ts";

/** A trap that the host raises. To whoever called the guest it looks like one of the guest's own. */
export class Trap extends WebAssembly.RuntimeError {
  override readonly name: string = "Trap";
}

export function trap(message: string): never {
  throw new Trap(message);
}

export const CANNOT_BLOCK = "cannot block a synchronous task before returning";

/** V8's refusal to suspend a guest where there is no way to: in a start function, an allocator, a destructor. */
export function asTrap(error: unknown): unknown {
  return error instanceof Error && error.name === "SuspendError" ? new Trap(CANNOT_BLOCK, { cause: error }) : error;
}
