/**
 * Traps: what ends a guest for a breach of the Component Model's rules.
 *
 * @module
 */

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
 * An error that goes through a guest's frames and that no `catch_all` of the guest takes, which it would with any error
 * made in JavaScript: a guest must not live on after a trap.
 */
export function uncatchable(cause: unknown): unknown {
  unreachable ??= new WebAssembly.Instance(new WebAssembly.Module(UNREACHABLE)).exports[""] as () => never;
  try {
    return unreachable();
  } catch (error) {
    if (error instanceof Error) error.cause = cause;
    return error;
  }
}
