/**
 * Direct forms: host functions that work on bytes where they lie.
 *
 * By the mapping that all engines follow, a `list<u8>` is an array of its own: the engine makes one for each that a guest
 * passes, and the host function one for each that it returns. Where megabytes go through a guest, making these arrays
 * costs ten times what copying the bytes does. A host function may have a direct form beside it, which an engine that can
 * call it chooses when a component is linked.
 *
 * @module
 */

/** The other form of a host function, for an engine that lifts and lowers itself. The same rules hold for both. */
// deno-lint-ignore no-explicit-any -- of any host function; for a method, the first argument is the object
export interface DirectForm<Args extends readonly any[] = any[], Result = unknown> {
  /** What has to be waited for before {@linkcode call}, if anything. Only where the function takes no lists. */
  readonly before?: (...args: Args) => Promise<void> | undefined;
  /**
   * Does what the function does. A `list<u8>` among `args` is a view of the guest's memory, right until this returns, and
   * one in the result is copied before anything else happens, so it may be on loan. With {@linkcode before}, it answers
   * with no promise.
   */
  readonly call: (...args: Args) => Result;
}

const forms = new WeakMap<object, DirectForm>();

/**
 * Gives `hostFunction` a direct form. For a method, that is the function of its class's prototype.
 *
 * @example
 * ```ts
 * import { direct, directForm } from "./direct.ts";
 *
 * const seen: number[] = [];
 * const sum = (bytes: Uint8Array) => void seen.push(bytes.reduce((a, b) => a + b, 0));
 * direct(sum, { call: sum }); // It keeps nothing of the array.
 * console.assert(directForm(sum)?.call === sum);
 * ```
 */
// deno-lint-ignore no-explicit-any -- any function can have one
export function direct<Args extends readonly any[], Result>(
  hostFunction: (...args: never[]) => unknown,
  form: DirectForm<Args, Result>,
): void {
  forms.set(hostFunction, form as unknown as DirectForm);
}

/** The direct form of a host function, if it has one. */
export function directForm(hostFunction: object): DirectForm | undefined {
  return forms.get(hostFunction);
}
