/**
 * Two engines as one: what the first does not support yet, the second runs.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import type { Engine } from "./mod.ts";

/**
 * An engine that loads a component with `first`, and with `second` when `first` says that it does not support it.
 *
 * @param report Is told of each component that `second` runs, and why.
 *
 * @example
 * ```ts
 * import { withFallback } from "./fallback.ts";
 * import { nativeEngine } from "./native/mod.ts";
 *
 * const engine = withFallback(nativeEngine, nativeEngine, () => {});
 * console.assert(engine.name === "native, else native");
 * ```
 */
export function withFallback(
  first: Engine,
  second: Engine,
  report: (component: string, why: SkerryError) => void,
): Engine {
  return {
    name: `${first.name}, else ${second.name}`,
    async load(bytes, options) {
      try {
        return await first.load(bytes, options);
      } catch (error) {
        if (!(error instanceof SkerryError) || error.code !== "component-unsupported") throw error;
        const loaded = await second.load(bytes, options);
        report(options?.name ?? "component", error);
        return loaded;
      }
    },
  };
}
