/**
 * Errors that no guest can catch.
 *
 * @module
 */

/** `(module (func (export "") unreachable))` */
const UNREACHABLE = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0],
  ...[3, 2, 1, 0],
  ...[7, 4, 1, 0, 0, 0],
  ...[10, 5, 1, 3, 0, 0, 0x0b],
]);

let unreachable: (() => never) | undefined;

/**
 * An error that unwinds a guest's frames to the last: unlike one made in JavaScript, no `catch_all` takes it, for it is
 * the trap of a module of our own. Whoever catches it in JavaScript finds the true reason as its `cause`.
 *
 * @example
 * ```ts
 * import { uncatchable } from "./uncatchable.ts";
 *
 * const reason = new Error("the task is over");
 * console.assert(uncatchable(reason).cause === reason);
 * ```
 */
export function uncatchable(cause?: unknown): WebAssembly.RuntimeError {
  unreachable ??= new WebAssembly.Instance(new WebAssembly.Module(UNREACHABLE)).exports[""] as () => never;
  try {
    return unreachable();
  } catch (error) {
    return Object.assign(error as WebAssembly.RuntimeError, { cause });
  }
}
