/**
 * Resources that a guest can name and never hold.
 *
 * @module
 */
import { WitError } from "../../errors.ts";

/**
 * A class for a resource whose every method answers with `error`. Toolchains import such resources for a libc that knows
 * files and sockets, whether the guest ever uses them or not.
 *
 * @example
 * ```ts
 * import { refusedResource } from "./refused.ts";
 *
 * const Descriptor = refusedResource("Descriptor", "not-permitted", ["read", "write"]);
 * console.assert(typeof Descriptor.prototype["read"] === "function");
 * ```
 */
export function refusedResource(
  name: string,
  error: string,
  methods: readonly string[],
): { new (): Disposable; readonly prototype: Readonly<Record<string, unknown>> } {
  const refuse = () => {
    throw new WitError(error);
  };
  const Resource = class {
    [Symbol.dispose](): void {}
  };
  Object.defineProperty(Resource, "name", { value: name });
  for (const method of methods) Object.defineProperty(Resource.prototype, method, { value: refuse });
  return Resource as unknown as ReturnType<typeof refusedResource>;
}
