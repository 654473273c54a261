/**
 * Capabilities of one's own, from the modules that define them.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Capability } from "./capability.ts";

/** Imports a module: `() => import("./notebook/capability.ts")`. Written out, so that tools see what is imported. */
export type ImportModule = () => Promise<Readonly<Record<string, unknown>>>;

/**
 * All capabilities that the modules export, in their order. A module whose folder is gone is passed over with a warning:
 * an example can be deleted before its line is.
 *
 * @throws whatever a module throws that is there and cannot be imported.
 *
 * @example
 * ```ts
 * import { gatherCapabilities } from "./own.ts";
 *
 * const own = await gatherCapabilities([() => import("../components/stopwatch/capability.ts")]);
 * console.assert(own[0]?.name === "stopwatch");
 * ```
 */
export async function gatherCapabilities(
  modules: readonly ImportModule[],
  warn: (message: string) => void = console.warn,
): Promise<Capability[]> {
  const found: Capability[] = [];
  for (const module of modules) {
    try {
      found.push(...Object.values(await module()).filter(isCapability));
    } catch (error) {
      const gone = missingModule(error);
      if (gone === undefined || existsSync(dirname(gone))) throw error;
      warn(`loading capabilities: ${gone} is gone with its folder. Take its line out of components/capabilities.ts.`);
    }
  }
  return found;
}

/** The file of the module that was not found, if that is what is wrong. */
function missingModule(error: unknown): string | undefined {
  if (!(error instanceof TypeError)) return undefined;
  const [, url] = /^Module not found "(file:[^"]+)"/.exec(error.message) ?? [];
  return url === undefined ? undefined : fileURLToPath(url);
}

function isCapability(value: unknown): value is Capability {
  return typeof value === "object" && value !== null && "link" in value && typeof value.link === "function" &&
    "interfaces" in value && Array.isArray(value.interfaces) && "name" in value && "grant" in value;
}
