/**
 * The parameters of grants. A capability brings a schema for its own; the manifest checks each grant with it.
 *
 * @module
 */
import { z } from "zod";

/**
 * Schemas of grants by the name of the capability. A user's own capability adds its own:
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { BUILT_IN_GRANTS, type GrantSchemas } from "./grants.ts";
 *
 * const grants: GrantSchemas = {
 *   ...BUILT_IN_GRANTS,
 *   greeter: z.strictObject({ greeting: z.string() }),
 * };
 * console.assert("http" in grants);
 * ```
 */
export type GrantSchemas = Readonly<Record<string, z.ZodType>>;

/** `grants.http`: which origins a function may send requests to. */
export interface HttpGrant {
  /** Origins as the URL standard writes them: `https://api.example.com`, `http://localhost:8080`. */
  readonly allow: readonly string[];
}

const origin = z.string().check((context) => {
  const problem = originProblem(context.value);
  if (problem !== undefined) {
    context.issues.push({
      code: "custom",
      message: problem,
      input: context.value,
    });
  }
});

/** The grant of the capability `http`. */
export const httpGrant: z.ZodType<HttpGrant> = z.strictObject({
  allow: z.array(origin).meta({
    description: "The origins that the function may send requests to; none if empty.",
    examples: [["https://api.example.com"]],
  }),
});

/** The grants that Skerry itself knows. */
export const BUILT_IN_GRANTS: GrantSchemas = Object.freeze({
  http: httpGrant.meta({
    description: "Outgoing HTTP requests (wasi:http).",
  }),
});

function originProblem(text: string): string | undefined {
  const url = URL.parse(text);
  const quoted = JSON.stringify(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const guess = /^[\w.-]+(?::\d+)?(?:\/.*)?$/.test(text) ? URL.parse(`https://${text}`) : null;
    return guess === null
      ? `${quoted} is no http origin; write for example "https://api.example.com"`
      : `${quoted} is no origin; write ${JSON.stringify(guess.origin)}`;
  }
  if (/[*%]/.test(url.hostname)) {
    return `${quoted}: wildcards are not understood; write each origin by itself`;
  }
  return url.origin === text ? undefined : `${quoted} is more than an origin; write ${JSON.stringify(url.origin)}`;
}
