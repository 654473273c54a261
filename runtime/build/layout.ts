/**
 * Where things are in a folder that is prepared for serving.
 *
 * @module
 */
import { resolve } from "node:path";

/** The folders inside of a prepared folder. */
export interface Dist {
  /** What to serve. */
  readonly components: string;
  /** The native engine's folder, for `{ cacheDir, readOnly: true }`. */
  readonly native: string;
  /** The jco engine's folder, for `{ cacheDir, readOnly: true }`. */
  readonly jco: string;
}

/**
 * Where things are in a prepared folder.
 *
 * @example
 * ```ts
 * import { distLayout } from "./layout.ts";
 *
 * console.assert(distLayout("dist").jco.endsWith("jco"));
 * ```
 */
export function distLayout(outDir: string): Dist {
  return {
    components: resolve(outDir, "components"),
    native: resolve(outDir, "native"),
    jco: resolve(outDir, "jco"),
  };
}
