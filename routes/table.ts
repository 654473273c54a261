/**
 * Which function takes a request: by host, method and path, the most specific first.
 *
 * @module
 */
import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { compareSpecificity, expandPath, type Route, splitPath } from "../runtime/mod.ts";

/** Something with routes: a function. */
export interface Routed {
  readonly routes: readonly Route[];
}

/** What the table says of a request. */
export type Match<Entry> =
  | { readonly kind: "found"; readonly entry: Entry }
  /** The path is known, the method is not: `allow` is what the `Allow` header says. */
  | { readonly kind: "method-not-allowed"; readonly allow: string }
  | { readonly kind: "not-found" };

interface Claim<Entry> {
  readonly found: Match<Entry>;
  readonly route: Route;
}

const NOT_FOUND = Object.freeze({ kind: "not-found" });

/** The order in which `Allow` names methods; others follow by the alphabet. */
const ALLOW_ORDER = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * The routes of all functions. A route that has the path but not the method steps aside for a less specific one; only
 * when none has both is the method refused.
 *
 * @example
 * ```ts
 * import { RouteTable } from "./table.ts";
 *
 * const me = { routes: [{ path: "/users/me", methods: ["PUT"], host: null }] };
 * const user = { routes: [{ path: "/users/:id", methods: ["GET"], host: null }] };
 * const table = new RouteTable([user, me]);
 * const match = table.match("PUT", "localhost", "/users/me");
 * console.assert(match.kind === "found" && match.entry === me);
 * ```
 */
export class RouteTable<Entry extends Routed> {
  /** Hono's faster routers refuse some tables and treat patterns otherwise, so a route would depend on its neighbours. */
  readonly #router = new TrieRouter<Claim<Entry>>();
  /** What the router finds at each path without parameters: most requests are for one. */
  readonly #fixed = new Map<string, Claim<Entry>[]>();
  /** Whether any route looks at the host. */
  readonly usesHosts: boolean;

  constructor(entries: readonly Entry[]) {
    const claims: Claim<Entry>[] = [];
    for (const entry of entries) {
      const found: Match<Entry> = Object.freeze({ kind: "found", entry });
      for (const route of entry.routes) {
        // Each of the two paths of an optional parameter is as specific as it is, not as the other.
        for (const path of expandPath(route.path)) claims.push({ found, route: { ...route, path } });
      }
    }
    claims.sort((a, b) => compareSpecificity(a.route, b.route) || headRank(a.route) - headRank(b.route));
    // Hono hands out what matches in the order in which it was added.
    for (const claim of claims) this.#router.add(METHOD_NAME_ALL, routerPath(claim.route.path), claim);
    for (const { route: { path } } of claims) {
      if (!/\/[:*]/.test(path)) this.#fixed.set(path, this.#candidates(path));
    }
    this.usesHosts = claims.some(({ route }) => route.host !== null);
  }

  /** What takes a request. `host` is its host name in lower case without a port; `path` is as Hono's `getPath` gives it. */
  match(method: string, host: string, path: string): Match<Entry> {
    const candidates = this.#fixed.get(path) ?? this.#candidates(path);
    if (candidates.length === 0) return NOT_FOUND;
    let onPath = false;
    for (const { found, route } of candidates) {
      if (route.host !== null && !hostMatches(route.host, host)) continue;
      if (takes(route, method)) return found;
      onPath = true;
    }
    if (!onPath) return NOT_FOUND;
    const allowed = new Set<string>();
    for (const { route } of candidates) {
      if (route.host !== null && !hostMatches(route.host, host)) continue;
      for (const method of route.methods ?? []) {
        allowed.add(method);
        if (method === "GET") allowed.add("HEAD");
      }
    }
    const rank = (method: string) => (ALLOW_ORDER.indexOf(method) + ALLOW_ORDER.length + 1) % (ALLOW_ORDER.length + 1);
    const order = (a: string, b: string) => rank(a) - rank(b) || (a < b ? -1 : 1);
    return { kind: "method-not-allowed", allow: [...allowed].sort(order).join(", ") };
  }

  #candidates(path: string): Claim<Entry>[] {
    return this.#router.match(METHOD_NAME_ALL, path)[0].map(([claim]) => claim);
  }
}

function takes({ methods }: Route, method: string): boolean {
  return methods === null || methods.includes(method) || (method === "HEAD" && methods.includes("GET"));
}

/** Whoever lists HEAD itself answers it before one that only lists GET. */
function headRank({ methods }: Route): number {
  return methods?.includes("HEAD") ? 0 : 1;
}

function hostMatches(pattern: string, host: string): boolean {
  return pattern.startsWith("*.") ? host.length >= pattern.length && host.endsWith(pattern.slice(1)) : pattern === host;
}

/** A path with each pattern in a group, for Hono's router does not put alternatives together itself. */
function routerPath(path: string): string {
  const segments = splitPath(path).map((segment) => segment.replace(/^(:[^{]+)\{(.+)\}$/, "$1{(?:$2)}"));
  return `/${segments.join("/")}`;
}
