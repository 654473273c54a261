/**
 * The grant of `http`: what a function may send requests to.
 *
 * @module
 */
import { z } from "zod";
import { isFieldName } from "../../http/fields.ts";
import { isBelow, pathProblem } from "./path_rule.ts";

/** One entry of the grant: some requests to an origin. */
export interface HttpRule {
  /**
   * As the URL standard writes it: `https://api.example.com`, `http://localhost:8080`; or `https://*.example.com` for all
   * names below one.
   */
  readonly origin: string;
  /** All methods if left out. */
  readonly methods?: readonly string[] | undefined;
  /** This path and what is below it, as it is sent. All paths if left out. */
  readonly path?: string | undefined;
  /** Whether the name may stand for an address of this machine or of a private network. */
  readonly privateNetworks?: boolean | undefined;
}

/** The parameters of the grant. */
export interface HttpGrant {
  /** Origins, or {@linkcode HttpRule}s. None if empty. */
  readonly allow: readonly (string | HttpRule)[];
}

const checked = (problem: (value: string) => string | undefined) =>
  z.string().check((context) => {
    const message = problem(context.value);
    // It goes on, so that in a union this message is the one that is told.
    if (message !== undefined) {
      context.issues.push({ code: "custom", message, input: context.value, continue: true });
    }
  });

const rule: z.ZodType<HttpRule> = z.strictObject({
  origin: checked(originProblem).meta({ description: "An origin, as a plain string would have it." }),
  methods: z.array(checked(methodProblem)).min(1).optional().meta({
    description: "The methods that may be sent; all if left out.",
    examples: [["GET"]],
  }),
  path: checked(pathProblem).optional().meta({
    description:
      "A path: it and what is below it may be asked for, all paths if left out. It is compared with the path " +
      "as it is sent, and one with dot segments or encoded slashes is refused.",
    examples: ["/v1/"],
  }),
  privateNetworks: z.boolean().optional().meta({
    description: "Whether the name may resolve to an address of this machine or of a private network. Link-local, " +
      "metadata and IPv4-in-IPv6 addresses are refused all the same: they have to be granted as addresses.",
  }),
});

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { httpGrant } from "./grant.ts";
 *
 * const rule = { origin: "https://*.example.org", methods: ["GET"], path: "/v1/" };
 * console.assert(httpGrant.safeParse({ allow: ["https://api.example.com", rule] }).success);
 * console.assert(!httpGrant.safeParse({ allow: ["api.example.com"] }).success);
 * ```
 */
export const httpGrant: z.ZodType<HttpGrant> = z.strictObject({
  allow: z.array(z.union([checked(originProblem), rule], { error: unionProblem })).meta({
    description:
      "The origins that the function may send requests to; none if empty. A name that resolves to a private, " +
      "loopback, link-local, metadata or mapped address is refused unless that is granted by itself: the address as the " +
      'host of an origin, localhost by name, or "privateNetworks": true beside the origin.',
    examples: [["https://api.example.com"]],
  }),
}).meta({ description: "Outgoing HTTP requests." });

/** A union's own message is "Invalid input": this one says which key of an object is wrong. */
function unionProblem(issue: z.core.$ZodRawIssue): string {
  const value = issue.input;
  const example = 'write an origin, or for example { "origin": "https://api.example.com", "methods": ["GET"] }';
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `is neither a string nor an object; ${example}`;
  }
  const problems = rule.safeParse(value).error?.issues ?? [];
  return [...problems.map(({ path, message }) => `${path.join(".")}: ${message}`), example].join("; ");
}

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

function methodProblem(method: string): string | undefined {
  const quoted = JSON.stringify(method);
  if (!isFieldName(method) || method === "CONNECT") {
    return `${quoted} is no method that can be sent; write for example "GET"`;
  }
  return method === method.toUpperCase()
    ? undefined
    : `${quoted}: methods are compared with their case; write ${JSON.stringify(method.toUpperCase())}`;
}

/** An origin without its `*.`, and whether it had one. */
function splitWildcard(origin: string): [plain: string, below: boolean] {
  const plain = origin.replace(/^(https?:\/\/)\*\./, "$1");
  return [plain, plain !== origin];
}

/** What a request is judged by. */
export interface Asked {
  /** Where it goes; its path is not looked at. */
  readonly url: URL;
  readonly method: string;
  /** As it is sent. */
  readonly pathWithQuery: string;
}

/** What was decided: refused for its origin, refused for its method or path, or allowed. */
export type Verdict =
  | { readonly allowed: false; readonly originGranted: boolean }
  | { readonly allowed: true; readonly privateNetworks: boolean };

/**
 * The rules of a grant, to compare with.
 *
 * @example
 * ```ts
 * import { AllowList } from "./grant.ts";
 *
 * const list = new AllowList({ allow: ["https://*.example.com", { origin: "http://localhost:8080", methods: ["GET"] }] });
 * const asks = (method: string, url: string) => list.judge({ url: new URL(url), method, pathWithQuery: "/" }).allowed;
 * console.assert(asks("PUT", "https://API.example.com:443") && asks("GET", "http://localhost:8080"));
 * console.assert(!asks("GET", "https://example.com/") && !asks("PUT", "http://localhost:8080"));
 * ```
 */
export class AllowList {
  readonly #rules: readonly { readonly rule: HttpRule; readonly matches: (url: URL) => boolean }[];

  /** @param grant As the schema has let it through. */
  constructor(grant: HttpGrant) {
    this.#rules = grant.allow.map((entry) => {
      const rule = typeof entry === "string" ? { origin: entry } : entry;
      return { rule, matches: originMatcher(rule.origin) };
    });
  }

  judge({ url, method, pathWithQuery }: Asked): Verdict {
    const ofOrigin = this.#rules.filter(({ matches }) => matches(url));
    const granted = ofOrigin.filter(({ rule: { methods, path } }) =>
      (methods === undefined || methods.includes(method)) && (path === undefined || isBelow(pathWithQuery, path))
    );
    if (granted.length === 0) return { allowed: false, originGranted: ofOrigin.length > 0 };
    return { allowed: true, privateNetworks: granted.some(({ rule }) => rule.privateNetworks === true) };
  }
}

function originMatcher(origin: string): (url: URL) => boolean {
  const [plain, below] = splitWildcard(origin);
  if (!below) return (url) => url.origin === plain;
  const { protocol, port, hostname } = new URL(plain);
  return (url) =>
    protocol === url.protocol && port === url.port && /[^.]\./.test(url.hostname.slice(0, -hostname.length)) &&
    url.hostname.endsWith(`.${hostname}`);
}
