/**
 * How WIT names become JavaScript names, by jco's mapping.
 *
 * @module
 */

/** `get-stdout` → `getStdout`. */
export function camelCase(kebab: string): string {
  return kebab.split("-").map((word, i) => i === 0 ? word.toLowerCase() : capital(word)).join("");
}

/** `input-stream` → `InputStream`. */
export function pascalCase(kebab: string): string {
  return kebab.split("-").map(capital).join("");
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}

/** What the name of a function in a component says about it. */
export interface FunctionName {
  readonly kind: "function" | "constructor" | "method" | "static";
  /** The resource of all but plain functions. */
  readonly resource?: string;
  /** The function's own name; a constructor has none. */
  readonly member: string;
}

/**
 * Takes a function's name apart.
 *
 * @example
 * ```ts
 * import { parseFunctionName } from "./names.ts";
 *
 * const { kind, resource, member } = parseFunctionName("[method]input-stream.blocking-read");
 * console.assert(kind === "method" && resource === "input-stream" && member === "blocking-read");
 * ```
 */
export function parseFunctionName(name: string): FunctionName {
  const match = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/s.exec(
    name.replace(/^\[async(?: (method|static))?\]/, (_, kind) => kind === undefined ? "" : `[${kind}]`),
  );
  if (match === null) return { kind: "function", member: name.replace(/^\[async\]/, "") };
  const kind = match[1] as FunctionName["kind"];
  return { kind, resource: match[2]!, member: match[3] ?? "" };
}

const LABEL = /^(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*$/;
const WORDS = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const SEMVER =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
/** Of a version with its end in an attribute: only as much as has to be the same. */
const CANON_VERSION = /^(?:[1-9]\d*|0\.[1-9]\d*|0\.0\.(?:0|[1-9]\d*))$/;

/** Whether `name` is a label: words in kebab case, each all lower or all upper case. */
export function isLabel(name: string): boolean {
  return LABEL.test(name);
}

/**
 * Whether `name` may stand on an import or export: a label, a function of a resource, an interface, or a dependency.
 *
 * Implements `externname` of the Component Model's Explainer.md.
 */
export function isExternName(name: string, hasVersionSuffix = false): boolean {
  const plain = /^\[(?:async |async|)(constructor|method|static|)\](.*)$/s.exec(name);
  if (plain !== null) {
    const labels = plain[2]!.split(".");
    return labels.length === (plain[1] === "method" || plain[1] === "static" ? 2 : 1) && labels.every(isLabel);
  }
  if (/^(?:url|relative-url|integrity|locked-dep|unlocked-dep)=</.test(name)) return name.endsWith(">");
  const [path, version, ...more] = name.split("@");
  if (!path!.includes(":")) return version === undefined && isLabel(name);
  const [namespace, rest, ...deeper] = path!.split(":");
  const [packageName, projection, ...parts] = rest!.split("/");
  if (more.length > 0 || deeper.length > 0 || parts.length > 0 || projection === undefined) return false;
  if (!WORDS.test(namespace!) || !WORDS.test(packageName!) || !isLabel(projection)) return false;
  return version === undefined || SEMVER.test(version) || hasVersionSuffix && CANON_VERSION.test(version);
}
