/**
 * The grant of `http`: which origins a function may send requests to.
 *
 * @module
 */
import { z } from "zod";

/** The parameters of the grant. */
export interface HttpGrant {
  /**
   * Origins as the URL standard writes them: `https://api.example.com`, `http://localhost:8080`; or
   * `https://*.example.com` for all names below one. None if empty.
   */
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
 * console.assert(httpGrant.safeParse({ allow: ["https://api.example.com", "https://*.example.org"] }).success);
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
  const [plain] = splitWildcard(text);
  const url = URL.parse(plain);
  const quoted = JSON.stringify(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const guess = /^[\w.-]+(?::\d+)?(?:\/.*)?$/.test(text) ? URL.parse(`https://${text}`) : null;
    return guess === null
      ? `${quoted} is no http origin; write for example "https://api.example.com"`
      : `${quoted} is no origin; write ${JSON.stringify(guess.origin)}`;
  }
  if (/[*%]/.test(url.hostname) || (plain !== text && /^[\d.]+$|^\[/.test(url.hostname))) {
    return `${quoted}: a wildcard stands for all names below one, as in "https://*.example.com"; ` +
      "write other origins by themselves";
  }
  return url.origin === plain ? undefined : `${quoted} is more than an origin; write ${JSON.stringify(url.origin)}`;
}

/** An origin without its `*.`, and whether it had one. */
function splitWildcard(origin: string): [plain: string, below: boolean] {
  const plain = origin.replace(/^(https?:\/\/)\*\./, "$1");
  return [plain, plain !== origin];
}

/**
 * The origins of a grant, to compare with.
 *
 * @example
 * ```ts
 * import { AllowList } from "./grant.ts";
 *
 * const list = new AllowList({ allow: ["https://*.example.com", "http://localhost:8080"] });
 * console.assert(list.allows(new URL("https://API.example.com:443/x")));
 * console.assert(!list.allows(new URL("https://example.com/")) && !list.allows(new URL("http://localhost/")));
 * ```
 */
export class AllowList {
  readonly #origins = new Set<string>();
  /** Origins that stand for all names below them. */
  readonly #below: URL[] = [];

  /** @param grant As the schema has let it through. */
  constructor(grant: HttpGrant) {
    for (const allowed of grant.allow) {
      const [plain, below] = splitWildcard(allowed);
      if (below) this.#below.push(new URL(plain));
      else this.#origins.add(plain);
    }
  }

  allows(url: URL): boolean {
    return this.#origins.has(url.origin) ||
      this.#below.some(({ protocol, port, hostname }) =>
        protocol === url.protocol && port === url.port && url.hostname.endsWith(`.${hostname}`)
      );
  }
}
