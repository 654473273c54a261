/**
 * What somebody wrote for a guest, and not what JavaScript gives to every object.
 *
 * @module
 */

/** A function of any shape, or a class. */
// deno-lint-ignore no-explicit-any -- what it takes and returns is known only at run time
export type Written = (((...args: any[]) => any) & (new (...args: any[]) => any)) & Record<string, any>;

/**
 * A member that somebody wrote: not what all objects and functions have, such as `constructor`, `toString` or `call`, which
 * a guest may name as well as anything else.
 *
 * @example
 * ```ts
 * import { written } from "./written.ts";
 *
 * console.assert(written({ now: () => 1 }, "now") !== undefined);
 * console.assert(written({ now: () => 1 }, "toString") === undefined);
 * ```
 */
export function written(of: object, name: string): Written | undefined {
  const found = (of as Record<string, unknown>)[name];
  const all = (typeof of === "function" ? Function.prototype : Object.prototype) as unknown as Record<string, unknown>;
  if (typeof found !== "function" || found === all[name]) return undefined;
  return name === "constructor" && found.prototype === of ? undefined : found as Written;
}
