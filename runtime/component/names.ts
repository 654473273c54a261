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
  // Not a pattern: this is done for each function as a component is loaded, when patterns have not been compiled yet.
  if (name[0] !== "[") return { kind: "function", member: name };
  const end = name.indexOf("]");
  const rest = name.slice(end + 1);
  const annotation = name.slice(name.startsWith("[async ") ? 7 : 1, end);
  switch (annotation) {
    case "constructor":
    case "method":
    case "static": {
      const dot = rest.indexOf(".");
      if (dot < 0) return { kind: annotation, resource: rest, member: "" };
      return { kind: annotation, resource: rest.slice(0, dot), member: rest.slice(dot + 1) };
    }
    default:
      return { kind: "function", member: annotation === "async" ? rest : name };
  }
}

const SEMVER =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
/** Of a version with its end in an attribute: only as much as has to be the same. */
const CANON_VERSION = /^(?:[1-9]\d*|0\.[1-9]\d*|0\.0\.(?:0|[1-9]\d*))$/;

const LOWER = 1;
const UPPER = 2;

/** Whether `name` is a label: words in kebab case, each all lower or all upper case. Not a pattern, either. */
export function isLabel(name: string): boolean {
  let isStart = true;
  let letters = 0;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c === 0x2d && !isStart) {
      isStart = true;
      letters = 0;
      continue;
    }
    const kind = c >= 0x61 && c <= 0x7a ? LOWER : c >= 0x41 && c <= 0x5a ? UPPER : 0;
    if (kind === 0 ? c < 0x30 || c > 0x39 || i === 0 : letters !== 0 && letters !== kind) return false;
    if (kind !== 0) letters = kind;
    isStart = false;
  }
  return !isStart;
}

function isLowerLabel(name: string): boolean {
  return isLabel(name) && name === name.toLowerCase();
}

/** What may stand before a name, and of how many labels the name is then. */
const ANNOTATED: Readonly<Record<string, number>> = { constructor: 1, method: 2, static: 2 };

function isAnnotatedName(name: string): boolean {
  const end = name.indexOf("]");
  const annotation = name.slice(1, end);
  const labels = name.slice(end + 1).split(".");
  // Components of not long ago say that a function is async in its name.
  const wanted = annotation === "async"
    ? 1
    : ANNOTATED[annotation.startsWith("async") ? annotation.slice(5).trimStart() : annotation];
  return labels.length === wanted && labels.every(isLabel);
}

/**
 * Whether `name` may stand on an import or export: a label, a function of a resource, an interface, or a dependency.
 *
 * Implements `externname` of the Component Model's Explainer.md.
 */
export function isExternName(name: string, hasVersionSuffix = false): boolean {
  if (name[0] === "[") return isAnnotatedName(name);
  if (name.includes("=<")) return /^(?:url|relative-url|integrity|locked-dep|unlocked-dep)=<.*>$/s.test(name);
  const colon = name.indexOf(":");
  if (colon < 0) return isLabel(name);
  const slash = name.indexOf("/", colon);
  const at = name.indexOf("@", colon);
  const end = at < 0 ? name.length : at;
  if (slash < 0 || slash > end) return false;
  const isPath = isLowerLabel(name.slice(0, colon)) && isLowerLabel(name.slice(colon + 1, slash)) &&
    isLabel(name.slice(slash + 1, end));
  if (!isPath || at < 0) return isPath;
  const version = name.slice(at + 1);
  return SEMVER.test(version) || hasVersionSuffix && CANON_VERSION.test(version);
}
