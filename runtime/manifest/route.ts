/**
 * A route: which requests a function takes. Paths are written as Hono writes them.
 *
 * @module
 */
import { oneOf, suggest } from "./suggest.ts";

/** One route of a function, resolved. */
export interface Route {
  /** A path in Hono's syntax: `/`, `/users/:id`, `/users/:id{[0-9]+}`, `/files/*`. */
  readonly path: string;
  /** The methods that it takes; `null` for all of them. A route that takes GET answers HEAD too. */
  readonly methods: readonly string[] | null;
  /** A host name, or `*.` and a domain for all names below it; `null` for every host. */
  readonly host: string | null;
}

/** What a route may list in `methods`. CONNECT and TRACE are for proxies. */
export const METHODS: readonly string[] = Object.freeze([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "QUERY",
  "PROPFIND",
  "PROPPATCH",
  "MKCOL",
  "COPY",
  "MOVE",
  "LOCK",
  "UNLOCK",
  "REPORT",
  "SEARCH",
]);

/** What lies under this is the platform's own, such as `/-/health`. */
export const RESERVED_PREFIX = "/-/";

const PARAMETER = /^:([A-Za-z_][A-Za-z0-9_]*)(?:\{(.+)\})?(\?)?$/;

/** What is wrong with a method of `methods`, and what to write; `undefined` if it may stand. */
export function methodProblem(method: string): string | undefined {
  if (METHODS.includes(method)) return undefined;
  const near = suggest(method, METHODS);
  return near === undefined
    ? `no such method; write ${oneOf(METHODS)}, or leave "methods" out to take all`
    : `no such method; write ${JSON.stringify(near)}`;
}

/** What is wrong with a route's path, and what to write; `undefined` if it may stand. */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) {
    return `must begin with a slash; write ${JSON.stringify("/" + path)}`;
  }
  if (path.length > 1024) return "is longer than 1024 characters; shorten it";
  if (path === "/-" || path.startsWith(RESERVED_PREFIX)) {
    return `paths under ${RESERVED_PREFIX} belong to the platform; write another first segment`;
  }
  if (path === "/") return undefined;
  const segments = splitPath(path);
  const names = new Set<string>();
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "") {
      if (last) continue;
      return `has an empty segment; write ${JSON.stringify(path.replace(/\/{2,}/g, "/"))}`;
    }
    if (segment === "*") continue;
    const parameter = PARAMETER.exec(segment);
    if (parameter !== null) {
      const [, name, pattern, optional] = parameter;
      if (names.has(name!)) {
        return `has two parameters named ${name}; give one another name`;
      }
      names.add(name!);
      if (optional !== undefined && !last) {
        return `only the last segment can be optional; take the "?" from ${
          JSON.stringify(segment)
        } or write two routes`;
      }
      const wrong = pattern === undefined ? undefined : patternProblem(pattern);
      if (wrong !== undefined) return `the pattern of :${name} ${wrong}`;
      if (pattern?.includes("/") && /^[:*]/.test(segments[index + 1] ?? "")) {
        return `the pattern of :${name} spans segments, which it can only at the end or before a fixed one; write one parameter for each`;
      }
      continue;
    }
    const wrong = staticProblem(segment);
    if (wrong !== undefined) return wrong;
    // Hono's TrieRouter looks ahead for this segment with an expression in which it does not escape it.
    if (/[$()+[\]^|]/.test(segment) && segments[index - 1]?.endsWith("}")) {
      return `${JSON.stringify(segment)} cannot follow a parameter with a pattern; take the pattern out`;
    }
  }
  return undefined;
}

function staticProblem(segment: string): string | undefined {
  const quoted = JSON.stringify(segment);
  const braced = /^(?:\{(\w+)\}|\[(\w+)\]|<(\w+)>)$/.exec(segment);
  const name = braced?.[1] ?? braced?.[2] ?? braced?.[3];
  if (name !== undefined) {
    return `${quoted} is no segment here; write ":${name}" for a parameter`;
  }
  if (/^(?:\*\*+|\.\.\.|:\w+\*|[[{]\.\.\.\w+[\]}])$/.test(segment)) {
    return `${quoted} is no segment here; write "*" for all that follows`;
  }
  if (segment.startsWith(":")) {
    return `${quoted} is no parameter; write ":" and a name of letters, digits and "_", such as ":id" or ":id{[0-9]+}"`;
  }
  if (/[?#]/.test(segment)) {
    return `${quoted} holds a query or a fragment, which no route looks at; take it out`;
  }
  if (segment.includes("*")) {
    return `"*" must be a whole segment, which ${quoted} is not; write "/*" or a parameter`;
  }
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f{}<>\\]/.test(segment)) {
    return `${quoted} holds a character that cannot stand in a path; take it out`;
  }
  if (segment === "." || segment === "..") {
    return `the segment ${quoted} never reaches a server; take it out`;
  }
  const decoded = decodeSegment(segment);
  return decoded === segment ? undefined : `${quoted} is matched decoded; write ${JSON.stringify(decoded)}`;
}

/** A request's path is matched as `decodeURI` leaves it, with `%25` as it was. */
function decodeSegment(segment: string): string {
  try {
    return decodeURI(segment.replaceAll("%25", "%2525"));
  } catch {
    return segment.replace(/%(?!25)/g, "%25");
  }
}

/** Hono joins the patterns of all routes into one expression, so groups of their own would shift its numbering. */
function patternProblem(pattern: string): string | undefined {
  try {
    new RegExp(`^${pattern}$`);
  } catch {
    return `is no regular expression: ${pattern}; write for example {[0-9]+}`;
  }
  const bare = pattern.replace(/\\./g, "").replace(/\[[^\]]*\]/g, "");
  if (/\((?!\?:)/.test(bare)) {
    return `has a group: ${pattern}; write groups as (?:…), without look-around`;
  }
  return /[\^$]/.test(bare) ? `has an anchor: ${pattern}; take "^" and "$" out, it is matched as a whole` : undefined;
}

/** What is wrong with a route's host, and what to write; `undefined` if it may stand. */
export function hostProblem(host: string): string | undefined {
  const lower = host.toLowerCase();
  const schemed = /^[a-z][a-z0-9+.-]*:\/\/([^/:]+)/.exec(lower);
  if (schemed !== null) {
    return `must be a name without a scheme; write ${JSON.stringify(schemed[1])}`;
  }
  const ported = /^([^/:]+):\d*(?:\/.*)?$/.exec(lower);
  if (ported !== null) {
    return `must be a name without a port; write ${JSON.stringify(ported[1])}`;
  }
  if (lower === "*") return `every host is the default; leave "host" out`;
  const name = lower.startsWith("*.") ? lower.slice(2) : lower;
  const canonical = URL.parse(`http://${name}/`)?.hostname;
  const ok = canonical !== undefined && !/[*%_/?#@\s]/.test(name) &&
    name !== "" && !name.endsWith(".");
  if (!ok) {
    return `is no host name; write for example "api.example.com" or "*.example.com"`;
  }
  const wanted = lower.startsWith("*.") ? `*.${canonical}` : canonical;
  return host === wanted ? undefined : `write ${JSON.stringify(wanted)}`;
}

/** A path's segments. A parameter's pattern may hold slashes, and belongs to one segment all the same. */
export function splitPath(path: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let segment = "";
  for (const character of path.slice(1)) {
    if (character === "{") depth++;
    else if (character === "}") depth = Math.max(0, depth - 1);
    if (character === "/" && depth === 0) {
      segments.push(segment);
      segment = "";
    } else segment += character;
  }
  segments.push(segment);
  return segments;
}

/** The paths that a path stands for: two where its last parameter is optional. */
export function expandPath(path: string): string[] {
  if (!path.endsWith("?")) return [path];
  const segments = splitPath(path);
  const last = segments.pop()!.slice(0, -1);
  const shorter = "/" + segments.join("/");
  return [shorter, (shorter === "/" ? "" : shorter) + "/" + last];
}

/** What a route is claimed by: equal keys match the same requests, whatever their parameters are called. */
export function claimsOf(route: Route): string[] {
  return expandPath(route.path).map((path) => {
    const segments = splitPath(path).map((segment) => {
      const parameter = PARAMETER.exec(segment);
      if (parameter === null) return segment;
      return parameter[2] === undefined ? ":" : `:{${parameter[2]}}`;
    });
    return `${route.host ?? ""}/${segments.join("/")}`;
  });
}

/** Whether two lists of methods have one in common; `null` is all methods. */
export function methodsOverlap(
  a: readonly string[] | null,
  b: readonly string[] | null,
): boolean {
  if (a === null || b === null) return true;
  return a.some((method) => b.includes(method));
}

/** A route for people: `GET, POST api.example.com/users/:id`. */
export function formatRoute(route: Route): string {
  const methods = route.methods === null ? "" : `${route.methods.join(", ")} `;
  return `${methods}${route.host ?? ""}${route.path}`;
}

/**
 * Orders routes so that the most specific stands first: a host before any host, and segment by segment what is
 * written out before a pattern, a pattern before a parameter, a parameter before the end and the end before `*`.
 */
export function compareSpecificity(a: Route, b: Route): number {
  const byHost = hostRank(b.host) - hostRank(a.host);
  if (byHost !== 0) return byHost;
  const left = splitPath(a.path);
  const right = splitPath(b.path);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const bySegment = segmentRank(right[i]) - segmentRank(left[i]);
    if (bySegment !== 0) return bySegment;
  }
  return 0;
}

function hostRank(host: string | null): number {
  if (host === null) return 0;
  return host.startsWith("*.") ? host.length : 1_000_000;
}

function segmentRank(segment: string | undefined): number {
  if (segment === undefined) return 1;
  if (segment === "*") return 0;
  const parameter = PARAMETER.exec(segment);
  if (parameter === null) return 4;
  return parameter[2] === undefined ? 2 : 3;
}
