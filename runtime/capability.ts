/**
 * A capability: host interfaces that a function may be granted.
 *
 * @module
 */
import type { z } from "zod";
import type { HostImports, InterfaceName } from "./engine/mod.ts";

/** What {@linkcode Capability.link} gets: the function, and what it was granted. */
export interface LinkContext<Grant, Store> {
  /** The function's name. */
  readonly function: string;
  /** The function's folder, absolute; where a relative path in a grant starts. */
  readonly directory: string;
  /** The parameters in the manifest, checked; or what the capability has `ungranted`. */
  readonly grant: Grant;
  /** The most that the operator allows, by the grant's keys: what the grant says is not above it. */
  readonly ceilings?: Readonly<Record<string, number>>;
  /** The manifest's `env`. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * What the guest writes, such as a stack, with each place in the bundle of a function that was built from source as the
   * place in a source. Default: the same text.
   */
  readonly toSource?: (text: string) => string;
  /** What {@linkcode Capability.open} returned. The only state that outlives a request. */
  readonly store: Store;
}

/**
 * A set of host interfaces under one name, which is its folder, its key in `grants`, and what the documentation calls it.
 *
 * Three lifetimes: `open` once per process, `link` once per function, and each request through `currentTask()` and
 * `taskLocal()` in the host functions themselves.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { currentTask } from "./context.ts";
 * import { defineCapability } from "./capability.ts";
 *
 * export const whoami = defineCapability({
 *   name: "whoami",
 *   interfaces: ["example:whoami/task@0.1.0"],
 *   grant: z.strictObject({}),
 *   open: () => undefined,
 *   link: () => ({ "example:whoami/task@0.1.0": { taskId: () => currentTask().id } }),
 * });
 * ```
 */
export interface Capability<Grant = unknown, Store = unknown> {
  readonly name: string;
  /** The full names of the interfaces it provides, at the version it implements. */
  readonly interfaces: readonly InterfaceName[];
  /**
   * What a function has that was not granted it: parameters that do no harm. When this is left out, importing it without
   * a grant is an error.
   */
  readonly ungranted?: Grant;
  /** The schema of its parameters in `function.json`. Strict: an unknown key is an error. */
  readonly grant: z.ZodType<Grant>;
  /** What a grant names in the function's folder: `deno task build` takes it along into `dist/`. */
  paths?(grant: Grant): readonly string[];
  /** Once per process, when the first function is granted it. */
  open(): Store | Promise<Store>;
  /** Once per function: the host implementations, by interface name. Keeps no state of a request. */
  link(context: LinkContext<Grant, Store>): HostImports | Promise<HostImports>;
}

/** Types a capability, and leaves its parameter types to itself. */
export function defineCapability<Grant, Store>(
  capability: Capability<Grant, Store>,
): Capability {
  return capability as unknown as Capability;
}
