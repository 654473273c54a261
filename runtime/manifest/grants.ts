/**
 * The parameters of grants. A capability brings the schema of its own; the manifest checks each grant with it.
 *
 * @module
 */
import type { z } from "zod";

/** Schemas of grants by the name of the capability. */
export type GrantSchemas = Readonly<Record<string, z.ZodType>>;

/**
 * The schemas of the grants of `capabilities`.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { grantSchemas } from "./grants.ts";
 *
 * const grants = grantSchemas([{ name: "greeter", grant: z.strictObject({ greeting: z.string() }) }]);
 * console.assert("greeter" in grants);
 * ```
 */
export function grantSchemas(
  capabilities: Iterable<{ readonly name: string; readonly grant: z.ZodType }>,
): GrantSchemas {
  return Object.fromEntries(Array.from(capabilities, ({ name, grant }) => [name, grant]));
}
