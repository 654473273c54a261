/**
 * The grant of `http`: which origins a function may send requests to.
 *
 * @module
 */
import { z } from "zod";

/** The parameters of the grant. */
export interface HttpGrant {
  /** Origins as the URL standard writes them: `https://api.example.com`, `http://localhost:8080`. None if empty. */
  readonly allow: readonly string[];
}

const origin = z.string().check((context) => {
  const message = originProblem(context.value);
  if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
});

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { httpGrant } from "./grant.ts";
 *
 * console.assert(httpGrant.safeParse({ allow: ["https://api.example.com"] }).success);
 * console.assert(!httpGrant.safeParse({ allow: ["api.example.com"] }).success);
 * ```
 */
export const httpGrant: z.ZodType<HttpGrant> = z.strictObject({
  allow: z.array(origin).meta({
    description: "The origins that the function may send requests to; none if empty.",
    examples: [["https://api.example.com"]],
  }),
}).meta({ description: "Outgoing HTTP requests." });

/** What is wrong with an origin, and what to write; `undefined` if it may stand. */
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
